import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { systemCode } from "../vault/names/index.ts";
import { dataExtents } from "./holes.ts";
import type { PathBytes } from "./system-error.ts";
import { setMtime, toFileTime } from "./times.ts";
import { readXattrs, setXattr } from "./xattrs.ts";

/** What a copy took. */
export interface CopyFigures {
  /** True where the two files share their blocks. */
  readonly reflinked: boolean;
  /** Bytes written: data, without holes; 0 for a reflink. */
  readonly copied: number;
  /** The source as it was when it was opened. */
  readonly source: BigIntStats;
}

export interface CopyOptions {
  /** Whether to try a reflink first. Default: true. */
  readonly reflink?: boolean;
  /** Whether mode, owner, mtime and extended attributes come along. Default: true; else the copy is 0600 and ours. */
  readonly metadata?: boolean;
}

const BUFFER_BYTES = 1 << 20;
const STEP_BYTES = 8 << 20;
let shared: Buffer | undefined;

/** What the file system answers where it has no reflinks, or not between these two places (ioctl_ficlone(2)). */
const NO_REFLINK = new Set(["EOPNOTSUPP", "ENOTSUP", "ENOTTY", "EINVAL", "EXDEV", "ENOSYS", "ETXTBSY", "EPERM"]);

/**
 * Makes `to` share the blocks of `from` (FICLONE). `to` must not exist.
 * @returns false where the file system cannot; nothing is left then. @throws the system's error otherwise.
 */
export function tryReflink(from: PathBytes, to: PathBytes): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (NO_REFLINK.has(systemCode(error) ?? "")) return false;
    throw error;
  }
}

/**
 * Copies a plain file to a place that does not exist yet: by reflink where possible, else its data without its holes.
 * Mode, owner, mtime and extended attributes come along; an owner or attribute that may not be set is left out.
 * Not durable by itself. Nothing is left where it fails. Never follows a symlink.
 * @throws the system's error.
 */
export function copyFileSparse(from: PathBytes, to: PathBytes, options: CopyOptions = {}): CopyFigures {
  const steps = copyFileSteps(from, to, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** `copyFileSparse` in steps of a few MiB, so that other things can be done between them. Ended early, it leaves nothing. */
export function* copyFileSteps(
  from: PathBytes,
  to: PathBytes,
  options: CopyOptions = {},
): Generator<void, CopyFigures> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const source = openSync(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  let made = false;
  let complete = false;
  try {
    const info = fstatSync(source, { bigint: true });
    // Through /proc, since the path may lead elsewhere by now.
    const reflinked = options.reflink !== false && info.isFile() && tryReflink(`/proc/self/fd/${source}`, to);
    made = reflinked;
    const target = openTarget(to, reflinked);
    made = true;
    let copied = 0;
    try {
      if (!reflinked) copied = yield* copyData(source, target, Number(info.size));
      if (options.metadata !== false) copyMetadata(from, target, info);
    } finally {
      closeSync(target);
    }
    if (options.metadata !== false) setMtime(to, toFileTime(info.mtimeNs));
    complete = true;
    return { reflinked, copied, source: info };
  } finally {
    closeSync(source);
    if (made && !complete) tryUnlink(to);
  }
}

function copyMetadata(from: PathBytes, target: number, info: BigIntStats): void {
  tryUnlessForbidden(() => fchownSync(target, Number(info.uid), Number(info.gid)));
  // After the owner, whose change takes capabilities away; before the mode, which may forbid attributes to be set.
  for (const xattr of readXattrs(from)) tryUnlessForbidden(() => setXattr(target, xattr));
  fchmodSync(target, Number(info.mode & 0o7777n));
}

function openTarget(path: PathBytes, exists: boolean): number {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  // A reflink comes with the source's mode, which may forbid us to open it.
  if (exists) chmodSync(path, 0o600);
  return openSync(path, O_WRONLY | O_NOFOLLOW | (exists ? 0 : O_CREAT | O_EXCL), 0o600);
}

function* copyData(source: number, target: number, size: number): Generator<void, number> {
  shared ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
  let copied = 0;
  let step = 0;
  for (const { offset, length } of dataExtents(source, size)) {
    for (let at = offset; at < offset + length; ) {
      const got = readSync(source, shared, 0, Math.min(BUFFER_BYTES, offset + length - at), at);
      if (got === 0) break;
      for (let done = 0; done < got; ) done += writeSync(target, shared, done, got - done, at + done);
      at += got;
      copied += got;
      step += got;
      if (step < STEP_BYTES) continue;
      step = 0;
      yield;
    }
  }
  ftruncateSync(target, size);
  return copied;
}

function tryUnlessForbidden(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!["EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP"].includes(systemCode(error) ?? "")) throw error;
  }
}

function tryUnlink(path: PathBytes): void {
  try {
    unlinkSync(path);
  } catch {
    // The first error is the one to report.
  }
}
