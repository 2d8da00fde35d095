import { appendFileSync } from "node:fs";
import { resolve } from "node:path";
import { writeFileDurable } from "../../posix/durable.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { Config } from "../config/index.ts";
import { renderEmf, renderMetrics } from "../watch/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { tell } from "./noticed.ts";
import { lookAtAll } from "./standings.ts";
import type { StatusFlags } from "./status.command.ts";
import { amissOf, documentOf, failureOf, type NodeStatus, textOf } from "./status-words.ts";

/** `coldkeep status`. */
export async function run(call: Call<StatusFlags>): Promise<Answer> {
  const { flags } = call;
  const { config, statuses } = await lookAtAll(call);
  const now = call.io.clock.now();
  const failure = failureOf(statuses);
  if (flags.notify === true) await tellAlarms(config, statuses, call);
  if (flags.metrics !== undefined) writeMetrics(resolve(flags.metrics), renderMetrics(statuses, now));
  if (flags.emf !== undefined) addEmf(resolve(flags.emf), renderEmf(statuses, now));
  return {
    document: { ok: failure === null, now, nodes: statuses.map(documentOf) },
    text: statuses.map((status) => textOf(status, now)).join("\n\n"),
    ...(failure === null ? {} : { failure }),
  };
}

/** Tells people what is new of what is amiss, and what is over. */
async function tellAlarms(config: Config, statuses: readonly NodeStatus[], call: Call): Promise<void> {
  if (config.notify === undefined) throw nobodyToTell(config.path);
  for (const node of new Set(statuses.map(({ node }) => node))) {
    const own = statuses.filter((status) => status.node === node);
    const silent = own.filter(({ error }) => error !== undefined).map(({ vault }) => ` in ${vault}`);
    const options = { each: false, unknown: (name: string) => silent.some((end) => name.endsWith(end)) };
    await tell("status", { config, node }, Object.fromEntries(own.flatMap(amissOf)), options, call);
  }
}

function nobodyToTell(path: string): ColdkeepError {
  return new ColdkeepError("config", {
    what: "there is nobody to tell",
    on: path,
    why: "it has no `notify`",
    todo: "name a webhook, mail addresses, a topic of SNS or a command there",
  });
}

/** Whole lines: what is written by one call is not torn, and the agent reads lines. */
function addEmf(path: string, text: string): void {
  try {
    appendFileSync(path, text, { mode: 0o644 });
  } catch (error) {
    throw fromSystemError(error, { what: "cannot write the metrics", on: path, otherwise: "internal" });
  }
}

/** Whole or not at all, as the collector may read at any moment; it runs as another user. */
function writeMetrics(path: string, text: string): void {
  try {
    writeFileDurable(path, Buffer.from(text), 0o644);
  } catch (error) {
    throw fromSystemError(error, { what: "cannot write the metrics", on: path, otherwise: "internal" });
  }
}
