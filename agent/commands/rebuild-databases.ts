import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { NodeSettings, RebuildSettings } from "../config/index.ts";
import { redact, runCommand } from "../node/index.ts";
import type { Finding } from "../profiles/index.ts";
import type { RestorePlan } from "../restore/index.ts";
import type { Call } from "./define.ts";
import { LEAN } from "./lean.ts";
import type { RestoreFlags } from "./restore.command.ts";
import { withWords } from "./with-words.ts";

interface RebuildOf {
  readonly node: NodeSettings;
  readonly finding: Finding | null;
  readonly plan: RestorePlan;
  readonly flags: RestoreFlags;
}

/**
 * Before anything is restored: whether databases can be made anew afterwards, and what does it; null where that is not
 * asked for. A snapshot without all databases that is put beside newer ones is refused, unless they are made anew.
 * @throws ColdkeepError `usage`, `refused`.
 */
export function planRebuild({ node, finding, plan, flags }: RebuildOf): null | ((call: Call) => Promise<void>) {
  const lean = plan.opened.card.core.tags.includes(LEAN);
  const to = flags.rebuildTo;
  if (flags.rebuildDbs !== true && to === undefined) {
    if (lean && flags.to === undefined) assertNothingNewer(node, plan);
    return null;
  }
  const refuse = (why: string, todo?: string) =>
    new ColdkeepError("refused", {
      ...{ what: "databases cannot be made anew after this restore", on: node.name, why },
      ...(todo === undefined ? {} : { todo }),
    });
  if (flags.to !== undefined) throw refuse("they are made by the node's own program, in place", "leave out --to");
  const { rebuild } = node.system;
  if (rebuild === undefined) throw refuse("nothing says how", "configure rebuild");
  const can = finding?.rebuild ?? `profile ${node.profile} knows no way`;
  if (typeof can === "string") throw refuse(can);
  if (can.full && lean) throw refuse("without block files it takes a snapshot of all databases, and this one is lean");
  const heights = plan.heights ?? {};
  const highest = Math.max(...Object.values(heights));
  if (to !== undefined && to > highest) throw refuse(`the snapshot ends at ${highest}`, `name a height up to that`);
  const chains = finding?.chains ?? [];
  return async (call) => {
    for (const chain of chains) {
      call.progress.stage(`rebuild ${chain}`);
      await rebuildOne(rebuild, chain, to ?? heights[chain] ?? heights[""] ?? null, to !== undefined, call);
    }
  };
}

/** Runs it and looks at what it says: its own exit status means nothing. */
async function rebuildOne(
  { run, log, height, timeoutMs }: RebuildSettings,
  chain: string,
  expected: number | null,
  exact: boolean,
  { io, progress }: Call,
): Promise<void> {
  const from = log === undefined ? 0 : (statSync(log, { throwIfNoEntry: false })?.size ?? 0);
  const words = withWords(run, "rebuild", chain, exact ? String(expected) : "");
  const { status, ending, stdout, tail } = await runCommand(words, {
    timeoutMs,
    signal: io.signal,
    maxOutput: MOST_LOG,
  });
  io.signal.throwIfAborted();
  if (status !== 0) throw failed(chain, [ending, tail.trim()].filter((part) => part !== "").join(": "));
  const trouble = troubleIn(`${stdout}\n${tail}\n${log === undefined ? "" : addedTo(log, from)}`);
  if (trouble !== null) throw failed(chain, `it ended with status 0, but said: ${trouble}`);
  if (height === undefined || expected === null) {
    progress.warn(`${chain}: nothing told to which height it came; rebuild.height could ask`);
    return;
  }
  const asked = await runCommand(withWords(height, "height", chain), { timeoutMs: HEIGHT_LIMIT_MS, signal: io.signal });
  io.signal.throwIfAborted();
  const found = /^\d{1,16}$/.exec(asked.stdout.trim()) === null ? null : Number(asked.stdout.trim());
  if (asked.status !== 0 || found === null)
    throw failed(chain, "it said nothing wrong, but nobody can tell its height");
  if (exact ? found === expected : found >= expected) return;
  throw failed(chain, `it came to height ${found}, and ${expected} was to be reached`);
}

const HEIGHT_LIMIT_MS = 60_000;
const MOST_LOG = 16 << 20;

/** The first line that tells of an error. */
function troubleIn(text: string): string | null {
  const line = text.split("\n").find((each) => /\b(?:ERROR|FATAL|PANIC)\b|^panic:/.test(each));
  return line === undefined ? null : redact(line.trim().slice(0, 300));
}

/** What a log holds from there on; from its beginning where it was begun anew. */
function addedTo(log: string, from: number): string {
  const size = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  const start = Math.max(size < from ? 0 : from, size - MOST_LOG);
  if (size <= start) return "";
  const fd = openSync(log, "r");
  try {
    const buffer = Buffer.alloc(size - start);
    return buffer.toString("utf8", 0, readSync(fd, buffer, 0, buffer.length, start));
  } finally {
    closeSync(fd);
  }
}

function failed(chain: string, why: string): ColdkeepError {
  return new ColdkeepError("unproven", {
    what: "the files are restored, but making the databases anew failed",
    on: chain,
    why,
    todo: "do not start the node before it went well: mend what it says, and run it again",
  });
}

function assertNothingNewer(node: NodeSettings, { roots }: RestorePlan): void {
  const left = node.roots.find(
    ({ name, path }) => !roots.some((root) => root.name === name) && existsSync(path) && readdirSync(path).length > 0,
  );
  if (left === undefined) return;
  throw new ColdkeepError("refused", {
    what: "the snapshot is lean, and what it leaves out lies here from another time",
    on: left.path,
    why: `root ${left.name} would not fit the blocks that are restored`,
    todo: "empty it, and let the node make it anew; or let it be made at once with --rebuild-dbs",
  });
}
