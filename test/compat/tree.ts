import { createHash } from "node:crypto";
import { toBase64url } from "../../vault/names/index.ts";
import { comparePaths, type ManifestEntry } from "../../vault/sealed/index.ts";
import { seededRandom } from "../support/random.ts";
import type { TreeEntry } from "../support/read-tree.ts";

/** The files of the compat vault: an entry without sizes and places, and its content by chunks; a number is a hole. */
export type CompatFile = Omit<ManifestEntry, "size" | "pieces"> & {
  readonly content?: readonly (Uint8Array | number)[];
};

const MIB = 1024 * 1024;
const text = (line: string, length: number) => Buffer.alloc(length, line);
const bytesOf = (path: string) => Uint8Array.from(Buffer.from(path));
const noise = (seed: string, length: number) => Buffer.from(seededRandom(seed)(length));

function at(path: string | Uint8Array, more: Partial<CompatFile> = {}): CompatFile {
  const bytes = typeof path === "string" ? Buffer.from(path) : path;
  const mtime = { seconds: 1_767_225_600 + bytes.length, nanoseconds: 123_456_789 };
  return { path: Uint8Array.from(bytes), type: "file", mode: 0o644, uid: 0, gid: 0, mtime, ...more };
}
const folder = (path: string, mode = 0o755) => at(path, { type: "directory", mode });
const link = (path: string, target: Uint8Array | string) =>
  at(path, { type: "symlink", mode: 0o777, target: Uint8Array.from(Buffer.from(target)) });

const table = at("data/000006.ldb", { mode: 0o600, content: [noise("000006.ldb", 3000)] });
const current = text("MANIFEST-000004\n", 16);

const unchanging: readonly CompatFile[] = [
  folder("data"),
  at("data/000005.ldb", { content: [text("key and value, ", MIB), text("the last chunk. ", 300)] }),
  table,
  // One file under two names has one mode and one time.
  { ...table, path: bytesOf("data/000006.link"), type: "hardlink", target: table.path, content: [] },
  folder("data/empty folder", 0o2700),
  at("data/empty file", { content: [], mtime: { seconds: -1, nanoseconds: 500_000_000 } }),
  link("data/link", "CURRENT"),
  link("data/link to nowhere", "../../no/such/place"),
  link("data/link of odd bytes", Buffer.from([0xff, 0x2f, 0xfe])),
  folder("data/keys", 0o700),
  // The same bytes as CURRENT had on day one: a secret file shares no chunk with an open one.
  at("data/keys/node_key", { mode: 0o600, secret: true, content: [current] }),
  at("data/sparse", { content: [MIB, noise("sparse", 100), 3 * 4096] }),
  at("data/all hole", { content: [5 * 4096] }),
  at(Buffer.from([...Buffer.from("data/odd "), 0xff, 0xfe, 0x0a]), { content: [text("odd name", 40)] }),
  at("data/größe – 大きさ", { content: [text("UTF-8 name", 50)] }),
  at("data/attributes", {
    content: [text("attributes", 60)],
    xattrs: [
      { name: "user.coldkeep.bytes", value: Uint8Array.of(0, 1, 0xff) },
      { name: "user.coldkeep.text", value: Uint8Array.from(Buffer.from("value")) },
    ],
  }),
  at("data/tool", { mode: 0o4755, content: [text("#!/bin/sh\n", 10)] }),
  folder("wal", 0o750),
  at("wal/000001.log", { mode: 0o640, content: [text("log record ", 5000)] }),
];

/** The first snapshot's. */
export const dayOneFiles: readonly CompatFile[] = [...unchanging, at("data/CURRENT", { content: [current] })];

/** The second's: CURRENT changed, a log and a table came. The table's chunk was stored by the run that died. */
export const dayTwoFiles: readonly CompatFile[] = [
  ...unchanging,
  at("data/CURRENT", { content: [text("MANIFEST-000009\n", 16)] }),
  at("wal/000002.log", { mode: 0o640, content: [text("log record ", 5000), text("and one more", 100)] }),
  at("data/000007.ldb", { content: [noise("000007.ldb", 2000)] }),
];

/** What a share leaves out, as paths of the expected tree. */
export const COMPAT_SECRETS: readonly string[] = dayTwoFiles
  .filter(({ secret }) => secret === true)
  .map(({ path }) => toBase64url(path));

/** What a restore must give, as JSON: committed beside the vault, for readers in any language. Bytes as base64url. */
export type ExpectedEntry = TreeEntry;

export function expectedTree(files: readonly CompatFile[]): ExpectedEntry[] {
  const sorted = [...files].sort((a, b) => comparePaths(a.path, b.path));
  return sorted.map(({ path, type, mode, uid, gid, mtime, content, target, xattrs }) => {
    const bytes = Buffer.concat((content ?? []).map((part) => (typeof part === "number" ? Buffer.alloc(part) : part)));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return {
      path: toBase64url(path),
      type,
      mode,
      uid,
      gid,
      mtime: [mtime.seconds, mtime.nanoseconds],
      ...(type === "file" ? { size: bytes.length, sha256 } : {}),
      ...(target === undefined ? {} : { target: toBase64url(target) }),
      ...(xattrs === undefined
        ? {}
        : { xattrs: Object.fromEntries(xattrs.map(({ name, value }) => [name, toBase64url(value)])) }),
    };
  });
}

/** An expected entry as `readTree` finds it; owners and attributes only where they could be restored here. */
export function asFound(entry: ExpectedEntry, can: { readonly owners: boolean; readonly xattrs: boolean }): TreeEntry {
  const { path, target, uid, gid, xattrs, ...rest } = entry;
  const latin1 = (text: string) => Buffer.from(text, "base64url").toString("latin1");
  return {
    ...rest,
    path: latin1(path),
    mode: entry.type === "symlink" ? 0o777 : entry.mode,
    ...(target === undefined ? {} : { target: latin1(target) }),
    ...(can.owners ? { uid, gid } : {}),
    ...(can.xattrs && xattrs !== undefined ? { xattrs } : {}),
  } as TreeEntry;
}
