import type { EntryType } from "../../vault/sealed/types.ts";
import type { FrozenEntry } from "../freeze/types.ts";

/**
 * An entry as a run keeps it on disk, one JSON line each: everything a manifest's entry says, the fingerprint by which
 * the next run knows the file again, and its content as rows of the run's chunk table. Bytes are latin1 text.
 */
export interface LocalEntry {
  readonly path: string;
  readonly type: EntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: readonly [seconds: number, nanoseconds: number];
  readonly size: number;
  readonly secret: boolean;
  readonly fingerprint: string;
  readonly target: string | null;
  readonly xattrs: readonly (readonly [name: string, value: string])[];
  /** A row of the chunk table, or minus the length of a hole. */
  readonly pieces: readonly number[];
}

/** The entry without its content, from the frozen tree. */
export function localEntry(entry: FrozenEntry, path: string, pieces: readonly number[]): LocalEntry {
  return {
    path,
    type: entry.type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: [entry.mtime.seconds, entry.mtime.nanoseconds],
    size: entry.type === "file" ? entry.size : 0,
    secret: entry.secret,
    fingerprint: entry.fingerprint,
    target: entry.target === undefined ? null : latin1(entry.target),
    xattrs: (entry.xattrs ?? []).map(({ name, value }) => [name, latin1(value)] as const),
    pieces,
  };
}

/** One line, newline included. Positions instead of names: a million lines are read and written on each run. */
export function entryToLine(e: LocalEntry): string {
  const head = [e.path, TYPES.indexOf(e.type), e.mode, e.uid, e.gid, e.mtime, e.size, e.secret ? 1 : 0];
  return `${JSON.stringify([...head, e.fingerprint, e.target, e.xattrs, e.pieces])}\n`;
}

/** The entry of a line whose file's digest was checked: nobody but a run of this host wrote it. */
export function lineToEntry(line: string): LocalEntry {
  const [path, type, mode, uid, gid, mtime, size, secret, fingerprint, target, xattrs, pieces] = JSON.parse(line) as [
    string,
    number,
    number,
    number,
    number,
    [number, number],
    number,
    number,
    string,
    string | null,
    [string, string][],
    number[],
  ];
  const kind = TYPES[type];
  if (kind === undefined) throw new RangeError(`entry type ${type}`);
  return { path, type: kind, mode, uid, gid, mtime, size, secret: secret === 1, fingerprint, target, xattrs, pieces };
}

const TYPES: readonly EntryType[] = ["file", "directory", "symlink", "hardlink"];

/** Bytes as text of the same length, one character a byte. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** Adds the pieces of the next part of a file; a hole that goes on is one hole. */
export function appendPieces(to: number[], pieces: Iterable<number>): void {
  for (const piece of pieces) {
    const last = to.at(-1);
    if (piece < 0 && last !== undefined && last < 0) to[to.length - 1] = last + piece;
    else to.push(piece);
  }
}
