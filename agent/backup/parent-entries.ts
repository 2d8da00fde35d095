import { join } from "node:path";
import type { ParentRun } from "./choose-parent.ts";
import { type LocalEntry, lineToEntry, pathOfLine, piecesAfter, splitLine } from "./entry-line.ts";
import { GONE } from "./known-chunks.ts";
import { openLines } from "./local-files.ts";
import { GROWING_PRINT, LASTING_PRINT } from "./prints.ts";
import { RUN_FILES } from "./run-files.ts";

/** A file as the frozen tree tells it. */
export interface SoughtFile {
  readonly fingerprint: string;
  readonly size: number;
  readonly secret: boolean;
}

/** An entry of which the parent says the very same, its content perhaps aside. */
export interface SameEntry {
  /** Number of its line in the parent's list. */
  readonly line: number;
  /** What the parent has of its content, in rows of this run; null where that may not be referred to any more. */
  readonly pieces: readonly number[] | null;
}

/** An entry as the parent has it. */
export interface KnownEntry extends SameEntry {
  readonly head: string;
  readonly pieces: readonly number[];
}

/** The parent's entries, walked alongside the frozen tree in the same order: paths must come in ascending order. */
export interface ParentEntries {
  /** @param head as `entryHead` tells */
  sameAs(path: string, head: string): SameEntry | null;
  /**
   * The whole entry of the file at `path` where its fingerprint and secrecy are the same and all its chunks may be
   * referred to. The fingerprint must be one that vouches for metadata, too: one of what is copied.
   */
  knownAt(path: string, file: Omit<SoughtFile, "size">): KnownEntry | null;
  /**
   * The pieces of the file at `path`, in rows of this run, where the parent's file there has the same fingerprint,
   * size and secrecy and all its chunks may still be referred to; else null.
   */
  piecesOf(path: string, file: SoughtFile): readonly number[] | null;
  /**
   * The pieces of the file at `path` where the parent's file there never changes either and has the same size and secrecy,
   * whatever vouches for its content; else null.
   */
  lastingAt(path: string, file: SoughtFile): readonly number[] | null;
  /**
   * Of a file that only grows and was there before under this path and inode: the pieces of its first whole chunks of
   * `chunk` bytes, one each. Null where there are none.
   */
  prefixOf(path: string, file: SoughtFile, chunk: number): number[] | null;
  close(): void;
}

export const NO_PARENT: ParentEntries = {
  sameAs: () => null,
  knownAt: () => null,
  piecesOf: () => null,
  lastingAt: () => null,
  prefixOf: () => null,
  close() {},
};

/** @param lengthOf plain bytes of the chunk in a row of this run. */
export function openParentEntries(
  parent: ParentRun,
  rows: Uint32Array,
  lengthOf: (row: number) => number,
): ParentEntries {
  const lines = openLines(join(parent.folder, RUN_FILES.entries));
  let line: string | null = null;
  let path = "";
  let number = -1;
  const step = () => {
    line = lines.next();
    number += 1;
    if (line !== null) path = pathOfLine(line);
  };
  step();
  const lineOf = (sought: string): string | null => {
    while (line !== null && path !== sought && isBefore(path, sought)) step();
    return line !== null && path === sought ? line : null;
  };
  const find = (sought: string, secret: boolean): LocalEntry | null => {
    const found = lineOf(sought);
    const entry = found === null ? null : lineToEntry(found);
    return entry?.type === "file" && entry.secret === secret ? entry : null;
  };
  return {
    sameAs: (sought, head) => {
      const found = lineOf(sought);
      const pieces = found === null ? null : piecesAfter(found, head);
      return pieces === null ? null : { line: number, pieces: translate(pieces, rows) };
    },
    knownAt: (sought, { fingerprint, secret }) => {
      const found = lineOf(sought);
      if (found?.includes(`,${secret ? 1 : 0},"${fingerprint}",null,`) !== true) return null;
      const { head, pieces } = splitLine(found);
      const now = translate(pieces, rows);
      return now === null ? null : { line: number, head, pieces: now };
    },
    piecesOf: (sought, { fingerprint, size, secret }) => {
      const found = find(sought, secret);
      const same = found !== null && found.fingerprint === fingerprint && found.size === size;
      return same ? translate(found.pieces, rows) : null;
    },
    lastingAt: (sought, { fingerprint, size, secret }) => {
      if (!isLasting(fingerprint)) return null;
      const found = find(sought, secret);
      const same = found !== null && isLasting(found.fingerprint) && found.size === size;
      return same ? translate(found.pieces, rows) : null;
    },
    prefixOf: (sought, { fingerprint, size, secret }, chunk) => {
      const name = growingName(fingerprint);
      const found = name === null ? null : find(sought, secret);
      if (found === null || name !== growingName(found.fingerprint) || found.size > size) return null;
      const pieces = translate(found.pieces, rows);
      return pieces === null ? null : wholeChunks(pieces, chunk, lengthOf);
    },
    close: () => lines.close(),
  };
}

function isLasting(fingerprint: string): boolean {
  return LASTING_PRINT.test(fingerprint);
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
  return GROWING_PRINT.exec(fingerprint)?.[1] ?? null;
}

const SLASH = 0x2f;

/** As sealed's comparePaths, of latin1 texts. */
function isBefore(a: string, b: string): boolean {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i += 1) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return x === SLASH || (y !== SLASH && x < y);
  }
  return a.length < b.length;
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
