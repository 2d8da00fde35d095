import { join } from "node:path";
import { damaged, readState, writeState } from "./json.ts";

const NAME = "sequence.json";
const LOST = "remove the file; numbering then goes on from the newest committed snapshot known here";

/** The highest sequence number given out so far; 0 where none was. */
export function lastSequence(folder: string): number {
  const path = join(folder, NAME);
  const last = readState(path, LOST)?.last;
  if (last === undefined) return 0;
  if (typeof last === "number" && Number.isSafeInteger(last) && last >= 0) return last;
  throw damaged(path, `"last" is ${JSON.stringify(last)}, an integer from 0 is expected`, LOST);
}

/**
 * The next number, above all given out before and above `atLeast` (what runs and cards are known to bear). It is on
 * disk before it is returned, so a number is never given twice, whatever is killed; numbers may be left out.
 */
export function nextSequence(folder: string, atLeast: number): number {
  const next = Math.max(lastSequence(folder), atLeast) + 1;
  writeState(join(folder, NAME), { last: next });
  return next;
}
