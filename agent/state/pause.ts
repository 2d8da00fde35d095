import { rmSync } from "node:fs";
import { join } from "node:path";
import { fromSystemError } from "../../posix/system-error.ts";
import { damaged, readState, writeState } from "./json.ts";

/** No backup is made until then. */
export interface Pause {
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly reason?: string;
}

const NAME = "pause.json";
const LOST = "`coldkeep resume` removes it, `coldkeep pause` writes a new one";

/** The pause that holds at a moment; one that is over counts as none. @throws ColdkeepError `integrity`. */
export function readPause(folder: string, now: number): Pause | null {
  const path = join(folder, NAME);
  const found = readState(path, LOST);
  if (found === null) return null;
  const { until, reason } = found;
  if (typeof until !== "number" || !Number.isSafeInteger(until)) throw damaged(path, '"until" is no time', LOST);
  if (until <= now) return null;
  return { until, ...(typeof reason === "string" ? { reason } : {}) };
}

export function writePause(folder: string, { until, reason }: Pause): void {
  writeState(join(folder, NAME), { until, ...(reason === undefined ? {} : { reason }) });
}

export function removePause(folder: string): void {
  const path = join(folder, NAME);
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw fromSystemError(error, { what: "cannot end the pause", on: path, otherwise: "internal" });
  }
}
