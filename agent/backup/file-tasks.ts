import type { FrozenEntry } from "../freeze/types.ts";
import { appendPieces, latin1 } from "./entry-line.ts";
import { chunkBytes } from "./limits.ts";
import type { FileTask } from "./seal-messages.ts";

/** Chunks of one job of a big file: small enough that two threads share it, large enough to read in one stream. */
const RANGE_CHUNKS = 16;

/** What must be known of a file to read it. */
export type Readable = Pick<
  FrozenEntry,
  "path" | "source" | "offset" | "size" | "mtime" | "linked" | "mutability" | "secret" | "sparse"
>;

/** The stretch of a file from `start` to `end` in tasks; both lie on chunk boundaries, or at the file's end. */
export function* tasksOf(entry: Readable, start: number, end: number): Generator<FileTask> {
  const chunk = chunkBytes(entry.size);
  const range = chunk * RANGE_CHUNKS;
  for (let from = start; from < end; from += range) {
    yield {
      source: latin1(entry.source),
      offset: entry.offset,
      shown: Buffer.from(entry.path).toString("utf8"),
      size: entry.size,
      from,
      to: Math.min(end, from + range),
      chunk,
      sparse: entry.sparse,
      linked: entry.linked,
      secret: entry.secret,
      mtimeNs: entry.linked && entry.mutability === "immutable" ? nanoseconds(entry.mtime) : null,
    };
  }
}

function nanoseconds({ seconds, nanoseconds: rest }: FrozenEntry["mtime"]): string {
  return (BigInt(seconds) * 1_000_000_000n + BigInt(rest)).toString();
}

/** The pieces of all tasks of one job, in one. */
export function piecesOfTasks(pieces: Float64Array): number[] {
  const joined: number[] = [];
  for (let at = 0; at < pieces.length; at += 1 + (pieces[at] ?? 0)) {
    appendPieces(joined, pieces.subarray(at + 1, at + 1 + (pieces[at] ?? 0)));
  }
  return joined;
}
