import { lstatSync } from "node:fs";
import { systemCode } from "../vault/names/index.ts";
import { calledPath } from "./called-path.ts";
import { callError, type Libc, libc } from "./libc.ts";

/** What a path leads to, a symlink being itself: the part of stat(2) that is asked of a million files. */
export interface PathInfo {
  readonly dev: bigint;
  readonly ino: bigint;
  /** Type and permissions; `isFile` and the like tell the type. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
/** All of what stat(2) tells. */
const STATX_BASIC_STATS = 0x7ff;
const TYPE = 0o170000;

export const isFile = ({ mode }: PathInfo): boolean => (mode & TYPE) === 0o100000;
export const isFolder = ({ mode }: PathInfo): boolean => (mode & TYPE) === 0o040000;
export const isSymlink = ({ mode }: PathInfo): boolean => (mode & TYPE) === 0o120000;

/**
 * What lies at `name` in `folder` (both latin1, one character a byte); null where nothing does. By statx(2), which makes
 * a sixth of the objects that Node's own call does; by that one where libc cannot be called.
 * @throws the system's error.
 */
export function lookBelow(folder: string, name: string): PathInfo | null {
  const calls = statxCalls();
  const path = calls === null ? null : calledPath(folder, name);
  if (calls === null || path === null) return byNode(Buffer.from(`${folder}/${name}`, "latin1"));
  if (calls.statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, answer) === 0) return fromAnswer();
  const errno = calls.errno();
  const error = callError("statx", errno, Buffer.from(`${folder}/${name}`, "latin1"));
  if (isAbsent(error)) return null;
  throw error;
}

/** The same for a whole path. */
export function lookAt(path: string): PathInfo | null {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? byNode(Buffer.from(path, "latin1")) : lookBelow(path.slice(0, slash), path.slice(slash + 1));
}

type StatxCalls = Libc & { readonly statx: NonNullable<Libc["statx"]> };

let checked: StatxCalls | null | undefined;

function statxCalls(): StatxCalls | null {
  checked ??= check(libc());
  return checked;
}

/** Kernels before 4.11 know no statx, and some sandboxes forbid it: it is used where it says what Node says. */
function check(calls: Libc | null): StatxCalls | null {
  if (calls?.statx === undefined) return null;
  const found = calls as StatxCalls;
  const path = calledPath("/proc", "self");
  if (path === null || found.statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, answer) !== 0) return null;
  const known = byNode(Buffer.from("/proc/self"));
  const told = fromAnswer();
  return known !== null && known.dev === told.dev && known.ino === told.ino && known.mode === told.mode ? found : null;
}

/** struct statx (statx(2)). */
const answer = Buffer.alloc(256);
const words = new Uint32Array(answer.buffer, answer.byteOffset, 64);
const longs = new BigInt64Array(answer.buffer, answer.byteOffset, 32);
const unsigned = new BigUint64Array(answer.buffer, answer.byteOffset, 32);
const SECOND = 1_000_000_000n;

function fromAnswer(): PathInfo {
  return {
    dev: deviceOf(word(34), word(35)),
    ino: unsigned[4] ?? 0n,
    mode: word(7) & 0xffff,
    nlink: word(4),
    uid: word(5),
    gid: word(6),
    size: word(10) + word(11) * 0x1_0000_0000,
    blocks: word(12) + word(13) * 0x1_0000_0000,
    mtimeNs: (longs[14] ?? 0n) * SECOND + BigInt(word(30)),
    ctimeNs: (longs[12] ?? 0n) * SECOND + BigInt(word(26)),
  };
}

function word(at: number): number {
  return words[at] ?? 0;
}

let device = { major: -1, minor: -1, dev: 0n };

/** As stat(2) writes it (makedev(3)). Nearly always the one of before. */
function deviceOf(major: number, minor: number): bigint {
  if (device.major !== major || device.minor !== minor) {
    const low = (BigInt(minor & 0xff) | (BigInt(major & 0xfff) << 8n)) as bigint;
    const high = (BigInt(minor >>> 8) << 20n) | (BigInt(major >>> 12) << 44n);
    device = { major, minor, dev: low | high };
  }
  return device.dev;
}

function byNode(path: Buffer): PathInfo | null {
  try {
    const { dev, ino, mode, nlink, uid, gid, size, blocks, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
    return {
      dev,
      ino,
      mode: Number(mode),
      nlink: Number(nlink),
      uid: Number(uid),
      gid: Number(gid),
      size: Number(size),
      blocks: Number(blocks),
      mtimeNs,
      ctimeNs,
    };
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}
