import { join } from "node:path";
import { damaged, readState, writeState } from "./json.ts";

/** What one run cost, as the next ones are foretold by. Milliseconds and bytes. */
export interface Outage {
  /** Stop asked → running again. */
  readonly downtimeMs: number;
  /** Of which coldkeep's own. */
  readonly freezeMs: number;
  /** Of which in wait for other nodes of its group. */
  readonly waitedMs?: number;
  readonly copiedBytes: number;
  /** Read from the frozen tree, and put. */
  readonly read: number;
  readonly stored: number;
}

const NAME = "outages.json";
const LOST = "remove the file; outages are foretold again after the next backup";
/** Enough to tell the usual from the odd one. */
const KEPT = 9;

/** The last runs' outages, oldest first. @throws ColdkeepError `integrity`. */
export function readOutages(folder: string): readonly Outage[] {
  const path = join(folder, NAME);
  const found = readState(path, LOST)?.last ?? [];
  if (Array.isArray(found) && found.every(isOutage)) return found;
  throw damaged(path, '"last" is no list of outages', LOST);
}

/** Remembers one more and forgets what is long ago. */
export function addOutage(folder: string, outage: Outage): void {
  writeState(join(folder, NAME), { last: [...readOutages(folder), outage].slice(-KEPT) });
}

function isOutage(value: unknown): value is Outage {
  if (typeof value !== "object" || value === null) return false;
  const of = value as Record<string, unknown>;
  const keys = ["downtimeMs", "freezeMs", "waitedMs", "copiedBytes", "read", "stored"] satisfies (keyof Outage)[];
  return keys.every((key) => {
    const number = of[key];
    if (key === "waitedMs" && number === undefined) return true;
    return typeof number === "number" && Number.isFinite(number) && number >= 0;
  });
}
