import { canonical } from "../card/index.ts";
import { ColdkeepError, fromBase64url, type SnapshotId, toBase64url } from "../names/index.ts";
import { isFrameRow } from "./frame.ts";
import { assertSafePath, comparePaths, showPath } from "./paths.ts";
import type { Codec, EntryPiece, EntryType, ManifestEntry } from "./types.ts";

/**
 * One entry as a line of a segment: canonical JSON. Bytes that are UTF-8 stand as text, others as base64url under a
 * name ending in `_raw`; a piece is a number (a hole's length) or the array of `PIECE` below.
 */

/**
 * Pieces one entry holds, so that its line fits a frame: 256 GiB in chunks of 4 MiB. A file with more goes on in further
 * entries of the same path (`from`).
 */
export const MAX_PIECES = 65_536;
const MAX_TARGET = 4095;
const UTF8 = new TextEncoder();
const UTF8_ONLY = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const MAX_XATTRS = 1024;
/** Bytes of one attribute (XATTR_SIZE_MAX, limits.h), and of all of an entry, so that its line stays in a segment. */
const MAX_XATTR_VALUE = 65_536;
const MAX_XATTR_TOTAL = 1024 * 1024;
const MAX_U32 = 0xffff_ffff;
const TYPES: ReadonlySet<string> = new Set<EntryType>(["file", "directory", "symlink", "hardlink"]);
const FIELDS: ReadonlySet<string> = new Set([
  "from",
  "gid",
  "mode",
  "mtime",
  "path",
  "path_raw",
  "pieces",
  "secret",
  "size",
  "target",
  "target_raw",
  "type",
  "uid",
  "xattrs",
]);

/**
 * An entry as its line. `originIndex` numbers the origins of the segment. Written member by member in the order that
 * canonical JSON wants (`FIELDS`), as there may be millions; readers refuse any other spelling.
 * @throws ColdkeepError `integrity` as a reader; TypeError where a name of an attribute has no canonical form.
 */
export function entryToLine(entry: ManifestEntry, originIndex: (origin: SnapshotId) => number): string {
  checkEntry(entry);
  const { from, mode, uid, gid, mtime, size, type, target, xattrs, secret } = entry;
  let line = from === undefined ? "{" : `{"from":${from},`;
  line += `"gid":${gid},"mode":${mode},"mtime":[${mtime.seconds},${mtime.nanoseconds}],${bytesToText("path", entry.path)}`;
  if (type === "file") line += `,"pieces":[${piecesToText(entry.pieces, originIndex)}]`;
  if (secret !== undefined) line += `,"secret":${secret}`;
  if (type === "file") line += `,"size":${size}`;
  if (target !== undefined) line += `,${bytesToText("target", target)}`;
  line += `,"type":"${type}","uid":${uid}`;
  if (xattrs !== undefined)
    line += `,"xattrs":${canonical(xattrs.map(({ name, value }) => [name, toBase64url(value)]))}`;
  return `${line}}`;
}

/**
 * An entry of its line's JSON. What its fields hold is not looked at (`checkEntry`).
 * @throws ColdkeepError `integrity` naming the field where there is another, or one is missing or of another kind.
 */
export function entryOf(json: unknown, origins: readonly SnapshotId[]): ManifestEntry {
  const o = recordOf(json, "an entry");
  for (const key of Object.keys(o)) if (!FIELDS.has(key)) throw refuse(`unknown field ${key}`);
  const type = o.type;
  if (!isEntryType(type)) throw refuse("unknown type");
  const path = bytesFromJson(o, "path");
  if (path === undefined) throw refuse("path is missing");
  const target = bytesFromJson(o, "target");
  const [seconds, nanoseconds, ...rest] = listOf(o.mtime, "mtime");
  if (rest.length > 0) throw refuse("mtime");
  const isFile = type === "file";
  if (!isFile && ("size" in o || "pieces" in o)) throw refuse(`a ${type} with content`);
  return {
    path,
    type,
    mode: integerOf(o.mode, "mode"),
    uid: integerOf(o.uid, "uid"),
    gid: integerOf(o.gid, "gid"),
    mtime: { seconds: integerOf(seconds, "mtime"), nanoseconds: integerOf(nanoseconds, "mtime") },
    size: isFile ? integerOf(o.size, "size") : 0,
    pieces: isFile ? listOf(o.pieces, "pieces").map((piece) => pieceFromJson(piece, origins)) : [],
    ...("from" in o ? { from: integerOf(o.from, "from") } : {}),
    ...(target === undefined ? {} : { target }),
    ...("xattrs" in o ? { xattrs: xattrsFromJson(o.xattrs) } : {}),
    ...("secret" in o ? { secret: secretOf(o.secret) } : {}),
  };
}

/** Logical bytes of a list of pieces. */
export function lengthOf(pieces: readonly EntryPiece[]): number {
  return pieces.reduce((sum, piece) => sum + ("hole" in piece ? piece.hole : piece.plain), 0);
}

/** All rules of one entry, for writer and reader alike. @throws ColdkeepError `integrity` naming the field. */
export function checkEntry(e: ManifestEntry): void {
  assertSafePath(e.path);
  const complain = (field: string): never => {
    throw refuse(`${field} of ${showPath(e.path)} is out of bounds`);
  };
  if (!isWithin(e.mode, 0, 0o7777)) complain("mode");
  if (!isWithin(e.uid, 0, MAX_U32) || !isWithin(e.gid, 0, MAX_U32)) complain("owner");
  if (!Number.isSafeInteger(e.mtime.seconds) || !isWithin(e.mtime.nanoseconds, 0, 999_999_999)) complain("mtime");
  if (!isWithin(e.size, 0, Number.MAX_SAFE_INTEGER)) complain("size");
  if (e.pieces.length > MAX_PIECES) complain("number of pieces");
  if (e.type === "file") checkContent(e, complain);
  else if (e.size !== 0 || e.pieces.length > 0 || e.from !== undefined) complain("size");
  checkTarget(e, complain);
  checkXattrs(e, complain);
}

function checkContent(e: ManifestEntry, complain: (field: string) => never): void {
  let end = e.from ?? 0;
  if (e.from !== undefined && !isWithin(e.from, 1, Number.MAX_SAFE_INTEGER)) complain("from");
  for (const piece of e.pieces) {
    const length = "hole" in piece ? piece.hole : piece.plain;
    // A piece of no length would make two spellings of one content.
    if (!isWithin(length, 1, Number.MAX_SAFE_INTEGER)) complain("length of a piece");
    if (!("hole" in piece) && !isPlace(piece)) complain("place of a chunk");
    end += length;
    if (!isWithin(end, 0, e.size)) complain("sum of pieces");
  }
  // Only an entry that is full may leave the rest to the next.
  if (end !== e.size && e.pieces.length !== MAX_PIECES) complain("sum of pieces");
  if (e.from !== undefined && e.pieces.length === 0) complain("pieces");
}

function checkTarget({ type, path, target }: ManifestEntry, complain: (field: string) => never): void {
  if ((target !== undefined) !== (type === "symlink" || type === "hardlink")) complain("target");
  if (target === undefined) return;
  if (target.length === 0 || target.length > MAX_TARGET || target.includes(0)) complain("target");
  if (type !== "hardlink") return;
  assertSafePath(target);
  // A hardlink points back at the path that carries the content.
  if (comparePaths(target, path) >= 0) complain("target");
}

function checkXattrs({ xattrs }: ManifestEntry, complain: (field: string) => never): void {
  if (xattrs === undefined) return;
  if (xattrs.length === 0 || xattrs.length > MAX_XATTRS) complain("number of attributes");
  let total = 0;
  let before: string | undefined;
  for (const { name, value } of xattrs) {
    if (name.length === 0 || Buffer.byteLength(name) > 255 || name.includes("\0")) complain("name of an attribute");
    if (before !== undefined && before >= name) complain("order of attributes");
    if (value.length > MAX_XATTR_VALUE) complain("size of an attribute");
    total += name.length + value.length;
    before = name;
  }
  if (total > MAX_XATTR_TOTAL) complain("size of all attributes");
}

function isPlace(piece: Exclude<EntryPiece, { hole: number }>): boolean {
  return isFrameRow(piece) && isWithin(piece.pack, 0, 99_999) && piece.id.length === 32;
}

/** PIECE: origin (index), pack, frame, offset, stored, plain, codec, id. */
function piecesToText(pieces: readonly EntryPiece[], originIndex: (origin: SnapshotId) => number): string {
  let text = "";
  for (const piece of pieces) {
    if (text !== "") text += ",";
    if ("hole" in piece) text += piece.hole;
    else {
      const { pack, frame, offset, stored, plain, codec, id } = piece;
      text += `[${originIndex(piece.origin)},${pack},${frame},${offset},${stored},${plain},${codec},"${toBase64url(id)}"]`;
    }
  }
  return text;
}

function pieceFromJson(json: unknown, origins: readonly SnapshotId[]): EntryPiece {
  if (typeof json === "number") return { hole: json };
  const list = listOf(json, "a piece");
  if (list.length !== 8) throw refuse("a piece");
  const number = (index: number) => integerOf(list[index], "a piece");
  const origin = origins[number(0)];
  if (origin === undefined) throw refuse("a piece of an origin the segment does not name");
  const id = typeof list[7] === "string" ? fromBase64url(list[7], 32) : null;
  if (id === null) throw refuse("a chunk id");
  return {
    origin,
    pack: number(1),
    frame: number(2),
    offset: number(3),
    stored: number(4),
    plain: number(5),
    // checkEntry refuses a codec that is none.
    codec: number(6) as Codec,
    id,
  };
}

/** @throws ColdkeepError `integrity`. */
export function xattrsFromJson(json: unknown): NonNullable<ManifestEntry["xattrs"]> {
  return listOf(json, "xattrs").map(xattrFromJson);
}

function xattrFromJson(json: unknown): { name: string; value: Uint8Array } {
  const [name, encoded, ...rest] = listOf(json, "an attribute");
  const value = typeof encoded === "string" ? fromBase64url(encoded) : null;
  if (typeof name !== "string" || value === null || rest.length > 0) throw refuse("an attribute");
  return { name, value };
}

function bytesToText(field: "path" | "target", bytes: Uint8Array): string {
  const text = utf8Of(bytes);
  return text === null ? `"${field}_raw":"${toBase64url(bytes)}"` : `"${field}":${JSON.stringify(text)}`;
}

function bytesFromJson(o: Readonly<Record<string, unknown>>, field: "path" | "target"): Uint8Array | undefined {
  const text = o[field];
  const raw = o[`${field}_raw`];
  if (text !== undefined && raw !== undefined) throw refuse(`${field} is there twice`);
  if (typeof text === "string") return UTF8.encode(text);
  if (text === undefined && raw === undefined) return undefined;
  const bytes = typeof raw === "string" ? fromBase64url(raw) : null;
  // What is UTF-8 must stand as text: one path, one spelling.
  if (bytes === null || utf8Of(bytes) !== null) throw refuse(field);
  return bytes;
}

function utf8Of(bytes: Uint8Array): string | null {
  try {
    return UTF8_ONLY.decode(bytes);
  } catch {
    return null;
  }
}

function isEntryType(value: unknown): value is EntryType {
  return typeof value === "string" && TYPES.has(value);
}

function secretOf(value: unknown): true {
  if (value !== true) throw refuse("secret");
  return true;
}

function isWithin(value: number, low: number, high: number): boolean {
  return Number.isSafeInteger(value) && value >= low && value <= high;
}

function integerOf(value: unknown, field: string): number {
  if (typeof value !== "number") throw refuse(field);
  return value;
}

function listOf(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw refuse(field);
  return value;
}

function recordOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse(what);
  return value as Readonly<Record<string, unknown>>;
}

function refuse(why: string): ColdkeepError {
  return new ColdkeepError("integrity", { what: "cannot read an entry of the manifest", why });
}
