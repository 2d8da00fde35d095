import { join } from "node:path";
import { comparePaths } from "../../vault/sealed/paths.ts";
import type { ParentRun } from "./choose-parent.ts";
import { type LocalEntry, lineToEntry } from "./entry-line.ts";
import { GONE } from "./known-chunks.ts";
import { readLines } from "./local-files.ts";
import { RUN_FILES } from "./run-files.ts";

/** A file as the frozen tree tells it. */
export interface SoughtFile {
  readonly fingerprint: string;
  readonly size: number;
  readonly secret: boolean;
}

/** The parent's files, walked alongside the frozen tree in the same order: paths must come in ascending order. */
export interface ParentEntries {
  /**
   * The pieces of the file at `path`, in rows of this run, where the parent's file there has the same fingerprint,
   * size and secrecy and all its chunks may still be referred to; else null.
   */
  piecesOf(path: string, file: SoughtFile): number[] | null;
  /**
   * Of a file that only grows and was there before under this path and inode: the pieces of its first whole chunks of
   * `chunk` bytes, one each. Null where there are none.
   */
  prefixOf(path: string, file: SoughtFile, chunk: number): number[] | null;
}

export const NO_PARENT: ParentEntries = { piecesOf: () => null, prefixOf: () => null };

/** @param lengthOf plain bytes of the chunk in a row of this run. */
export function openParentEntries(
  parent: ParentRun,
  rows: Uint32Array,
  lengthOf: (row: number) => number,
): ParentEntries {
  const lines = readLines(join(parent.folder, RUN_FILES.entries));
  let current: LocalEntry | null = null;
  let ended = false;
  const step = () => {
    const next = lines.next();
    ended = next.done === true;
    current = next.done === true ? null : lineToEntry(next.value);
  };
  const find = (path: string, secret: boolean): LocalEntry | null => {
    if (current === null && !ended) step();
    while (current !== null && current.path !== path && isBefore(current.path, path)) step();
    const there = current?.path === path && current.type === "file" && current.secret === secret;
    return there ? current : null;
  };
  return {
    piecesOf: (path, { fingerprint, size, secret }) => {
      const found = find(path, secret);
      const same = found !== null && found.fingerprint === fingerprint && found.size === size;
      return same ? translate(found.pieces, rows) : null;
    },
    prefixOf: (path, { fingerprint, size, secret }, chunk) => {
      const found = find(path, secret);
      const name = growingName(fingerprint);
      if (found === null || name === null || name !== growingName(found.fingerprint) || found.size > size) return null;
      const pieces = translate(found.pieces, rows);
      return pieces === null ? null : wholeChunks(pieces, chunk, lengthOf);
    },
  };
}

function wholeChunks(pieces: readonly number[], chunk: number, lengthOf: (row: number) => number): number[] {
  const whole: number[] = [];
  for (const piece of pieces) {
    const length = piece < 0 ? -piece : lengthOf(piece);
    if (piece >= 0 && length === chunk) whole.push(piece);
    else if (piece < 0) for (let left = length; left >= chunk; left -= chunk) whole.push(-chunk);
    // A chunk of another length: the file's end of then, or it was cut in another way when it was smaller.
    if (length % chunk !== 0 || (piece >= 0 && length !== chunk)) break;
  }
  return whole;
}

/** The part of a growing file's fingerprint that stays; null of any other. */
function growingName(fingerprint: string): string | null {
  return /^a:\d+:\d+:/.exec(fingerprint)?.[0] ?? null;
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
