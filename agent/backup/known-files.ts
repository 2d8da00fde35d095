import { join } from "node:path";
import type { KnownFiles } from "../freeze/types.ts";
import { rowsOf } from "./chunk-rows.ts";
import { makeDigestSet } from "./digest-set.ts";
import { fingerprintOfLine, lineToEntry, pathOfLine } from "./entry-line.ts";
import type { ParentTables } from "./known-chunks.ts";
import { readBlocks, readLines } from "./local-files.ts";
import { RUN_FILES } from "./run-files.ts";

/** How fingerprints of what is copied for a snapshot begin; nothing else is spared by being known before. */
const COPIED = "m:";

/**
 * The parent's files that a snapshot on top of it can take over by their fingerprints: those of which all chunks lie in
 * origins that are not given up. 16 to 32 bytes a file, as there may be a million.
 * @param dropped as `droppedOrigins` tells
 */
export function loadKnownFiles({ run }: ParentTables, dropped: number): KnownFiles {
  const lost = dropped === 0 ? null : lostRows(join(run.folder, RUN_FILES.chunks), run.record.row_limit, dropped);
  const files = makeDigestSet();
  for (const line of readLines(join(run.folder, RUN_FILES.entries))) {
    // Cheaper than taking the line apart: most lines are of other files.
    if (!line.includes(`"${COPIED}`)) continue;
    const fingerprint = fingerprintOfLine(line);
    if (!fingerprint.startsWith(COPIED)) continue;
    const whole = lost === null || !lineToEntry(line).pieces.some((piece) => piece >= 0 && lost[piece] === 1);
    if (whole) files.add(pathOfLine(line), fingerprint);
  }
  return files;
}

function lostRows(path: string, rows: number, dropped: number): Uint8Array {
  const lost = new Uint8Array(rows);
  for (const { row, origin } of rowsOf(readBlocks(path))) if (origin < dropped) lost[row] = 1;
  return lost;
}
