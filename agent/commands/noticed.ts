import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type ErrorKind, isColdkeepError, messageOf, type NodeName } from "../../vault/names/index.ts";
import { type Config, DEFAULT_CONFIG, loadConfig } from "../config/index.ts";
import { type Amiss, type DecideOptions, decide, deliver, type Notice, readTold, writeTold } from "../notify/index.ts";
import { profileNames } from "../profiles/index.ts";
import { failureText, formatDuration, stylesFor } from "../report/index.ts";
import { nodeFolder } from "../state/index.ts";
import type { Call, Run } from "./define.ts";
import { pickNode } from "./session.ts";

/** What whoever typed the command line sees, or what was asked for. */
const NOT_TOLD: ReadonlySet<ErrorKind> = new Set(["usage", "interrupted", "skipped", "syncing"]);

/**
 * A command about one node, after which people are told how it ended, where the configuration names somebody: of each
 * failure, and of the first success after one.
 * @param job what it is called in notices
 */
export function noticed<Flags, Args extends readonly unknown[]>(job: string, run: Run<Flags, Args>): Run<Flags, Args> {
  return async (call, ...args) => {
    try {
      const answer = await run(call, ...args);
      await tellOutcome(job, call, answer.failure ?? null);
      return answer;
    } catch (error) {
      await tellOutcome(job, call, error);
      throw error;
    }
  };
}

/** Tells how a job ended; `failure` is null where it ended well. Never throws. */
export async function tellOutcome(job: string, call: Call, failure: unknown): Promise<void> {
  if (isColdkeepError(failure) && NOT_TOLD.has(failure.kind)) return;
  if ((call.flags as { readonly dryRun?: boolean }).dryRun === true) return;
  const place = placeOf(call);
  if (place === null) return;
  const kind = isColdkeepError(failure) ? failure.kind : "internal";
  const words = failureText(failure, { verbose: false, styles: stylesFor({ write: () => true }, call.io.env) });
  await tell(
    job,
    place,
    failure === null ? {} : { [job]: { kind, words } },
    { each: true, unknown: () => false },
    call,
  );
}

interface Place {
  readonly config: Config;
  readonly node: NodeName;
}

/** Null where nobody is to be told, or where that cannot be found out: the command says itself what is wrong then. */
function placeOf({ flags }: Call): Place | null {
  try {
    const config = loadConfig(flags.config ?? DEFAULT_CONFIG, profileNames());
    return config.notify === undefined ? null : { config, node: pickNode(config, flags.node).name };
  } catch {
    return null;
  }
}

/**
 * Tells what is amiss with a node and what is so no longer, as far as that is news.
 */
export async function tell(job: string, place: Place, amiss: Amiss, options: DecideOptions, call: Call): Promise<void> {
  const { config, node } = place;
  const { io, progress } = call;
  const path = join(nodeFolder(config.stateDir, node), `told-${job}.json`);
  const before = readTold(path);
  const now = io.clock.now();
  const { each } = options;
  const decision = decide(before, amiss, now, options);
  const host = hostname();
  const of = { job, node, host, at: now };
  const since = (time: number) => (time === now ? "" : ` (for ${formatDuration(now - time)} now)`);
  const notices: Notice[] = [
    ...decision.tell.map(({ kind, words, since: time }) => ({
      ...of,
      event: each ? ("failure" as const) : ("alarm" as const),
      kind,
      title: each
        ? `coldkeep: ${job} of ${node} on ${host} FAILED${since(time)}`
        : `coldkeep: ${node} on ${host}: ${words}`,
      words,
    })),
    ...decision.over.map(({ name, since: time, times }) => ({
      ...of,
      event: each ? ("recovery" as const) : ("all-clear" as const),
      title: each
        ? `coldkeep: ${job} of ${node} on ${host} works again`
        : `coldkeep: ${node} on ${host}: no longer ${name}`,
      words: `It was amiss for ${formatDuration(now - time)}, and found so ${times === 1 ? "once" : `${times} times`}.`,
    })),
  ];
  const context = {
    signal: io.signal,
    wait: (pause: number) => wait(pause, undefined, { signal: io.signal }),
  };
  for (const notice of notices) {
    for (const failed of await deliver(notice, config.notify ?? [], context)) progress.warn(failed);
  }
  try {
    writeTold(path, before, decision.told);
  } catch (error) {
    progress.warn(`what was told could not be remembered: ${messageOf(error)}`);
  }
}
