import type { ColdkeepError } from "../../vault/names/index.ts";
import { formatDuration } from "../report/index.ts";
import type { Call } from "./define.ts";

/** What passes sooner is nobody's concern; and how often more is told. Milliseconds. */
const QUIET_MS = 10_000;
const AGAIN_MS = 300_000;

/** Warns of a vault that a command waits for, so that nobody takes it for hanging. */
export function makeWaitingNote({ io, progress }: Pick<Call, "io" | "progress">) {
  let next = Number.NEGATIVE_INFINITY;
  return ({ what, on, why }: ColdkeepError, failingMs: number, leftMs: number): void => {
    const now = io.clock.monotonic();
    if (failingMs < QUIET_MS || now < next) return;
    next = now + AGAIN_MS;
    const failed = [what, on, why].filter((part) => part !== undefined).join(": ");
    progress.warn(`${failed}; it is tried again for up to ${formatDuration(leftMs)}`);
  };
}
