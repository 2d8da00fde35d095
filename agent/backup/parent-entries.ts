import { join } from "node:path";
import { comparePaths } from "../../vault/sealed/paths.ts";
import type { ParentRun } from "./choose-parent.ts";
import { type LocalEntry, lineToEntry } from "./entry-line.ts";
import { GONE } from "./known-chunks.ts";
import { readLines } from "./local-files.ts";
import { RUN_FILES } from "./run-files.ts";

/** The parent's files, walked alongside the frozen tree in the same order. */
export interface ParentEntries {
  /**
   * The pieces of the file at `path`, in rows of this run, where the parent's file there has the same fingerprint,
   * size and secrecy and all its chunks may still be referred to; else null. Paths must come in ascending order.
   */
  piecesOf(
    path: string,
    file: { readonly fingerprint: string; readonly size: number; readonly secret: boolean },
  ): number[] | null;
}

export const NO_PARENT: ParentEntries = { piecesOf: () => null };

export function openParentEntries(parent: ParentRun, rows: Uint32Array): ParentEntries {
  const lines = readLines(join(parent.folder, RUN_FILES.entries));
  let current: LocalEntry | null = null;
  let ended = false;
  const step = () => {
    const next = lines.next();
    ended = next.done === true;
    current = next.done === true ? null : lineToEntry(next.value);
  };
  return {
    piecesOf: (path, file) => {
      if (current === null && !ended) step();
      while (current !== null && current.path !== path && isBefore(current.path, path)) step();
      if (current === null || current.path !== path || current.type !== "file") return null;
      const same =
        current.fingerprint === file.fingerprint && current.size === file.size && current.secret === file.secret;
      return same ? translate(current.pieces, rows) : null;
    },
  };
}

function isBefore(a: string, b: string): boolean {
  return comparePaths(Buffer.from(a, "latin1"), Buffer.from(b, "latin1")) < 0;
}

function translate(pieces: readonly number[], rows: Uint32Array): number[] | null {
  const translated: number[] = [];
  for (const piece of pieces) {
    const row = piece < 0 ? piece : (rows[piece] ?? GONE);
    if (row === GONE) return null;
    translated.push(row);
  }
  return translated;
}
