import { createHash } from "node:crypto";
import { closeSync, lstatSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dataExtents } from "../../posix/holes.ts";
import { toFileTime } from "../../posix/times.ts";
import { readXattrs, setXattr } from "../../posix/xattrs.ts";
import { comparePaths, type EntryType } from "../../vault/sealed/index.ts";

/** One object of a tree, with all that a restore must bring back, but for what a file allocates. */
export interface TreeEntry {
  readonly path: string;
  readonly type: EntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: readonly [seconds: number, nanoseconds: number];
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
  /** By name, base64url. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** The same as it was found on disk. Paths and targets are latin1. */
export interface Found extends TreeEntry {
  /** Bytes that are allocated, by the file system's word. */
  readonly data?: number;
}

/** Whether this machine's file system for temporary files takes user attributes (tmpfs learnt it late). */
export function takesXattrs(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "coldkeep-xattr-"));
  try {
    setXattr(folder, { name: "user.probe", value: Buffer.from("1") });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Everything below `root`, in the order of the format; the first path of several to one file is the file. */
export function readTree(root: string): Found[] {
  const paths: string[] = [];
  const walk = (folder: string) => {
    const at = Buffer.from(folder === "" ? root : `${root}/${folder}`, "latin1");
    for (const entry of readdirSync(at, { encoding: "buffer", withFileTypes: true })) {
      const name = entry.name.toString("latin1");
      const path = folder === "" ? name : `${folder}/${name}`;
      paths.push(path);
      if (entry.isDirectory()) walk(path);
    }
  };
  walk("");
  paths.sort((a, b) => comparePaths(Buffer.from(a, "latin1"), Buffer.from(b, "latin1")));
  const seen = new Map<bigint, string>();
  return paths.map((path) => readOne(root, path, seen));
}

function readOne(root: string, path: string, seen: Map<bigint, string>): Found {
  const at = Buffer.from(`${root}/${path}`, "latin1");
  const info = lstatSync(at, { bigint: true });
  const { seconds, nanoseconds } = toFileTime(info.mtimeNs);
  const xattrs = readXattrs(at).map(({ name, value }) => [name, Buffer.from(value).toString("base64url")]);
  const common = {
    path,
    mode: Number(info.mode & 0o7777n),
    uid: Number(info.uid),
    gid: Number(info.gid),
    mtime: [seconds, nanoseconds] as const,
    ...(xattrs.length === 0 ? {} : { xattrs: Object.fromEntries(xattrs) }),
  };
  if (info.isDirectory()) return { ...common, type: "directory" };
  if (info.isSymbolicLink()) {
    return { ...common, type: "symlink", target: readlinkSync(at, { encoding: "buffer" }).toString("latin1") };
  }
  const first = seen.get(info.ino);
  if (first !== undefined) return { ...common, type: "hardlink", target: first };
  seen.set(info.ino, path);
  const size = Number(info.size);
  const sha256 = createHash("sha256").update(readFileSync(at)).digest("hex");
  return { ...common, type: "file", size, sha256, data: dataBytes(at, size) };
}

function dataBytes(path: Buffer, size: number): number {
  const fd = openSync(path, "r");
  try {
    return dataExtents(fd, size).reduce((sum, { length }) => sum + length, 0);
  } finally {
    closeSync(fd);
  }
}
