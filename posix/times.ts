import { futimesSync, lutimesSync } from "node:fs";
import { callError, cString, libc } from "./libc.ts";
import type { PathBytes } from "./system-error.ts";

/** A moment of a file: whole seconds since the epoch, floored, and nanoseconds from 0 to 999,999,999. */
export interface FileTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
/** utimensat(2): leave this one as it is. */
const UTIME_OMIT = (1n << 30n) - 2n;
/** Access and modification time, each as seconds and nanoseconds; used again by each call. */
const times = BigInt64Array.of(0n, UTIME_OMIT, 0n, 0n);

/**
 * Sets the modification time to the nanosecond, of a path (a symlink itself, never its target) or of an open file; the
 * access time stays. Without libc: to about a quarter of a microsecond, and the access time follows.
 * @throws the system's error.
 */
export function setMtime(target: PathBytes | number, { seconds, nanoseconds }: FileTime): void {
  const calls = libc();
  if (calls === null) {
    setRoughly(target, seconds + nanoseconds / 1e9);
    return;
  }
  times[2] = BigInt(seconds);
  times[3] = BigInt(nanoseconds);
  const done =
    typeof target === "number"
      ? calls.futimens(target, times)
      : calls.utimensat(AT_FDCWD, cString(target), times, AT_SYMLINK_NOFOLLOW);
  if (done !== 0) throw callError("utimensat", calls.errno(), target);
}

/** Nanoseconds since the epoch, as `bigint` stats tell them, in two numbers. */
export function toFileTime(ns: bigint): FileTime {
  const second = 1_000_000_000n;
  const nanoseconds = ((ns % second) + second) % second;
  return { seconds: Number((ns - nanoseconds) / second), nanoseconds: Number(nanoseconds) };
}

function setRoughly(target: PathBytes | number, seconds: number): void {
  if (typeof target === "number") futimesSync(target, seconds, seconds);
  else lutimesSync(target, seconds, seconds);
}
