import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { isCached, readFully, readFullySync, setDirect } from "../../posix/direct.ts";
import { dataExtents, type Extent } from "../../posix/holes.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";
import type { FileTask } from "./seal-messages.ts";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Stretches from this size (bytes) on are worth reading past the page cache. */
const DIRECT_FROM = 256 * 1024;

/** A stretch of a frozen file, open for reading. */
export interface OpenTask {
  /** The chunk from `at` on, to the beginning of `into`. One that lies in memory already is read at once, without a promise. */
  read(into: Uint8Array, at: number, length: number): Promise<void> | null;
  /** True where the file has nothing but a hole there. */
  isHole(at: number, length: number): boolean;
  close(): void;
}

/**
 * Opens what a task is to read. The frozen tree is ours alone: a file that is gone, short or no longer the one captured
 * means that the capture is not what it claims to be, and fails the run. Large files of the node that are not in memory
 * are read past the page cache, so that a backup does not push out of it what the node lives on.
 * @param itself Whether this very thread reads, and waits for the disk.
 * @throws ColdkeepError `integrity`, `permission`, else `internal`.
 */
export function openTask(task: FileTask, itself = false): OpenTask {
  const fd = open(task);
  try {
    if (task.mtimeNs !== null) assertUnchanged(fd, task, task.mtimeNs);
    const length = task.to - task.from;
    const isLarge = task.linked && length >= DIRECT_FROM;
    if (isLarge && !isCached(fd, task.offset + task.from, length)) setDirect(fd, true);
    const extents = task.sparse ? dataExtents(fd, task.size) : null;
    return {
      isHole: (at, bytes) => extents !== null && isHole(extents, at, bytes),
      read: (into, at, bytes) => {
        if (task.linked && !itself) return readLater(fd, into, at, bytes, task);
        readNow(fd, into, at, bytes, task);
        return null;
      },
      close: () => closeSync(fd),
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function isHole(extents: readonly Extent[], at: number, length: number): boolean {
  let low = 0;
  for (let high = extents.length; low < high; ) {
    const middle = (low + high) >>> 1;
    const { offset, length: bytes } = extents[middle] ?? { offset: 0, length: 0 };
    if (offset + bytes <= at) low = middle + 1;
    else high = middle;
  }
  const data = extents[low];
  return data === undefined || data.offset >= at + length;
}

function open(task: FileTask): number {
  try {
    return openSync(Buffer.from(task.source, "latin1"), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw changed(task.shown, "it is gone");
    throw fromSystemError(error, { what: "cannot read a frozen file", on: task.shown, otherwise: "internal" });
  }
}

function assertUnchanged(fd: number, task: FileTask, mtimeNs: string): void {
  const info = fstatSync(fd, { bigint: true });
  if (info.size === BigInt(task.size) && info.mtimeNs === BigInt(mtimeNs)) return;
  throw changed(task.shown, `it is classed as immutable, and was written to after the node started again`);
}

async function readLater(fd: number, into: Uint8Array, at: number, length: number, task: FileTask): Promise<void> {
  let got: number;
  try {
    got = await readFully(fd, into, length, task.offset + at);
  } catch (error) {
    throw unreadable(error, task);
  }
  if (got < length) throw short(task, at + got);
}

function readNow(fd: number, into: Uint8Array, at: number, length: number, task: FileTask): void {
  let got: number;
  try {
    got = readFullySync(fd, into, length, task.offset + at);
  } catch (error) {
    throw unreadable(error, task);
  }
  if (got < length) throw short(task, at + got);
}

function unreadable(error: unknown, { shown }: FileTask): ColdkeepError {
  return fromSystemError(error, { what: "cannot read a frozen file", on: shown, otherwise: "integrity" });
}

function short(task: FileTask, at: number): ColdkeepError {
  return changed(task.shown, `it ends at byte ${at}, ${task.size} bytes were captured`);
}

/** Of a file of the frozen tree that is no longer the one captured; `on` is its path in the snapshot. */
export function changed(on: string, why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "a frozen file changed while it was read",
    on,
    why,
    todo: "nothing of this run is visible; find out what touches the freeze folder, or class the file as mutable, then run the backup again",
  });
}
