import { join } from "node:path";
import type { KnownFiles } from "../freeze/types.ts";
import { rowsOf } from "./chunk-rows.ts";
import { makeDigestSet } from "./digest-set.ts";
import { fingerprintOfLine, pathOfLine, splitLine } from "./entry-line.ts";
import type { GivenUp } from "./given-up.ts";
import type { ParentTables } from "./known-chunks.ts";
import { readBlocks, readLines } from "./local-files.ts";
import { RUN_FILES } from "./run-files.ts";
import { USE } from "./used-rows.ts";

/** How fingerprints of what is copied for a snapshot begin; nothing else is spared by being known before. */
const COPIED = "m:";

/** How the file of a line that begins with `head` uses its chunks, as one of `USE`. */
export function useOf(head: string, pieces: readonly number[]): number {
  if (pieces.length === 0 || !head.includes(`"${COPIED}`)) return USE.any;
  return pieces.length === 1 ? USE.smallCopy : USE.largeCopy;
}

/**
 * The parent's files that a snapshot on top of it can take over by their fingerprints: those of which all chunks lie in
 * packs that are not given up. 16 to 32 bytes a file, as there may be a million.
 */
export function loadKnownFiles(parent: ParentTables, givenUp: GivenUp): KnownFiles {
  const isWhole = makeWholeness(parent, givenUp);
  const files = makeDigestSet();
  for (const line of readLines(join(parent.run.folder, RUN_FILES.entries))) {
    // Cheaper than taking the line apart: most lines are of other files.
    if (!line.includes(`"${COPIED}`)) continue;
    const fingerprint = fingerprintOfLine(line);
    if (fingerprint.startsWith(COPIED) && isWhole(line)) files.add(pathOfLine(line), fingerprint);
  }
  return files;
}

/** Tells of a line of the parent's list whether all its chunks may be referred to. */
export function makeWholeness({ run }: ParentTables, givenUp: GivenUp): (line: string) => boolean {
  if (givenUp.size === 0) return () => true;
  const lost = new Uint8Array(run.record.row_limit);
  for (const { row, origin, pack } of rowsOf(readBlocks(join(run.folder, RUN_FILES.chunks)))) {
    if (givenUp.has(origin, pack)) lost[row] = 1;
  }
  return (line) => !splitLine(line).pieces.some((piece) => piece >= 0 && lost[piece] === 1);
}
