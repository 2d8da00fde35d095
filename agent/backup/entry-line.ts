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

/** The line of an entry up to its content, from the frozen tree; `path` is the entry's as latin1 text. */
export function entryHead(entry: FrozenEntry, path: string): string {
  const { type, mode, uid, gid, mtime, secret, fingerprint } = entry;
  const size = type === "file" ? entry.size : 0;
  const numbers = `${TYPES.indexOf(type)},${mode},${uid},${gid},[${mtime.seconds},${mtime.nanoseconds}],${size}`;
  const target = entry.target === undefined ? "null" : JSON.stringify(latin1(entry.target));
  const xattrs = (entry.xattrs ?? []).map(({ name, value }) => [name, latin1(value)]);
  const rest = xattrs.length === 0 ? "[]" : JSON.stringify(xattrs);
  return flat(
    `[${JSON.stringify(path)},${numbers},${secret ? 1 : 0},${JSON.stringify(fingerprint)},${target},${rest},`,
  );
}

/** The same text in one piece: thousands wait at once, and V8 holds one that was put together in all the pieces it had. */
function flat(text: string): string {
  text.charCodeAt(0);
  return text;
}

/** One line, newline included. Positions instead of names: a million lines are read and written on each run. */
export function lineOf(head: string, pieces: readonly number[]): string {
  return `${head}[${pieces.join(",")}]]\n`;
}

/** The content of the entry in a line that begins with this very head; null where it begins otherwise. */
export function piecesAfter(line: string, head: string): number[] | null {
  return line.startsWith(head) ? numbersOf(line.slice(head.length + 1, -2)) : null;
}

/** A line's head and its content, which comes last and has no brackets in it. */
export function splitLine(line: string): { readonly head: string; readonly pieces: number[] } {
  const end = line.lastIndexOf("[");
  return { head: line.slice(0, end), pieces: numbersOf(line.slice(end + 1, -2)) };
}

function numbersOf(list: string): number[] {
  if (list === "") return [];
  return list.includes(",") ? list.split(",").map(Number) : [Number(list)];
}

/** The path in a line: cheaper than taking all of it apart. */
export function pathOfLine(line: string): string {
  const end = line.indexOf('"', 2);
  const escaped = line.indexOf("\\");
  return escaped < 0 || escaped > end ? line.slice(2, end) : lineToEntry(line).path;
}

/** The fingerprint in a line; it has no character that JSON escapes. */
export function fingerprintOfLine(line: string): string {
  const escaped = line.indexOf("\\");
  const end = line.indexOf('"', 2);
  if (escaped >= 0 && escaped < end) return lineToEntry(line).fingerprint;
  const from = line.indexOf('"', end + 1) + 1;
  return line.slice(from, line.indexOf('"', from));
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
