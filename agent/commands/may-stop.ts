import { ColdkeepError } from "../../vault/names/index.ts";
import { isOpen, type NodeSettings, nextOpening } from "../config/index.ts";
import { askCondition } from "../node/index.ts";
import type { NodeControl } from "../node/types.ts";
import { formatTime } from "../report/index.ts";
import type { NodeState } from "../state/index.ts";

/** Milliseconds for one answer to a question about the node. */
const ASK_LIMIT_MS = 10_000;
const ANYWAY = "`coldkeep backup --anyway` makes one all the same";

type Skip = Readonly<Record<"kind", "skipped" | "syncing">> & { readonly why: string; readonly todo: string };

/** Why no backup is to be made at a moment: a pause, or no window; null where one may be. */
function whyNotNow({ stop }: NodeSettings, state: NodeState, now: number): Skip | null {
  const pause = state.pauseAt(now);
  if (pause !== null) {
    const reason = pause.reason === undefined ? "" : ` (${pause.reason})`;
    return {
      kind: "skipped",
      why: `it is paused until ${formatTime(pause.until)}${reason}`,
      todo: `\`coldkeep resume\` ends the pause; ${ANYWAY}`,
    };
  }
  if (isOpen(stop.windows, stop.timezone, now)) return null;
  const next = nextOpening(stop.windows, stop.timezone, now);
  return {
    kind: "skipped",
    why: `none of its windows is open${next === null ? "" : `; the next one opens at ${formatTime(next)}`}`,
    todo: ANYWAY,
  };
}

/** Why the node is not to be stopped though it answers; null where it may be, or nobody is to be asked. */
async function whySyncing({ stop }: NodeSettings, signal: AbortSignal): Promise<Skip | null> {
  if (stop.skipIfSyncing === undefined) return null;
  const { holds, detail } = await askCondition(stop.skipIfSyncing, { signal, timeoutMs: ASK_LIMIT_MS });
  if (holds === false) return null;
  const why =
    holds === null ? `it could not be told whether it is catching up: ${detail}` : `it is catching up: ${detail}`;
  return { kind: "syncing", why, todo: `wait until it has caught up; ${ANYWAY}` };
}

async function whyLeading({ stop }: NodeSettings, signal: AbortSignal): Promise<Skip | null> {
  if (stop.skipIfLeader === undefined) return null;
  const { holds, detail } = await askCondition(stop.skipIfLeader, { signal, timeoutMs: ASK_LIMIT_MS });
  if (holds === false) return null;
  const why = holds === null ? `it could not be told whether it leads: ${detail}` : `it leads: ${detail}`;
  return { kind: "skipped", why, todo: `hand the lead on, or try again later; ${ANYWAY}` };
}

function throwSkip(node: NodeSettings, skip: Skip | null): void {
  if (skip === null) return;
  const { kind, why, todo } = skip;
  throw new ColdkeepError(kind, { what: "no backup was made", on: node.name, why, todo });
}

/** Before anything is opened. @throws ColdkeepError `skipped`. */
export function assertNow(node: NodeSettings, state: NodeState, now: number): void {
  throwSkip(node, whyNotNow(node, state, now));
}

/** Once it is known that the node answers. @throws ColdkeepError `syncing`. */
export async function assertCaughtUp(node: NodeSettings, control: NodeControl, signal: AbortSignal): Promise<void> {
  // Nobody stops it here: it is down already, and cannot be asked.
  if (!control.manager.controls) return;
  throwSkip(node, await whySyncing(node, signal));
}

/** The last questions before the stop, as preparing for it takes its time. @throws ColdkeepError `skipped`. */
export async function assertMayStop(
  node: NodeSettings,
  control: NodeControl,
  state: NodeState,
  now: () => number,
  signal: AbortSignal,
): Promise<void> {
  assertNow(node, state, now());
  if (!control.manager.controls) return;
  throwSkip(node, await whyLeading(node, signal));
}

/** What would keep a backup from being made now, in words; null where nothing would. */
export async function whySkipped(
  node: NodeSettings,
  state: NodeState,
  now: number,
  signal: AbortSignal,
): Promise<string | null> {
  const skip = whyNotNow(node, state, now) ?? (await whySyncing(node, signal)) ?? (await whyLeading(node, signal));
  return skip?.why ?? null;
}
