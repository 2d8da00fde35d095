import { createHash, type Hash } from "node:crypto";
import { closeSync, constants, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";

/** Size and digest of a finished local file; a file that differs is as good as lost. */
export interface FileSum {
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

const BLOCK = 1 << 20;
const { O_CREAT, O_EXCL, O_WRONLY, O_RDONLY, O_NOFOLLOW } = constants;

/** Writes a new private file in large blocks and knows its digest in the end. */
export interface SummedFile {
  add(bytes: Uint8Array | string): void;
  /** Writes what is left, fsyncs, closes. */
  finish(): FileSum;
  /** Closes without finishing; a second call does nothing. */
  close(): void;
}

/** @throws ColdkeepError `no-space`, `permission`, else `internal`. */
export function createSummedFile(path: string): SummedFile {
  const fd = wrap(path, () => openSync(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600));
  const hash: Hash = createHash("sha256");
  const block = Buffer.allocUnsafe(BLOCK);
  let used = 0;
  let size = 0;
  let open = true;
  const write = (bytes: Uint8Array) => {
    hash.update(bytes);
    size += bytes.length;
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  };
  const drain = () => {
    if (used > 0) write(block.subarray(0, used));
    used = 0;
  };
  const close = () => {
    if (open) closeSync(fd);
    open = false;
  };
  return {
    add: (item) =>
      wrap(path, () => {
        // A character takes at most three bytes.
        if (typeof item === "string" && used + 3 * item.length <= BLOCK) {
          used += block.write(item, used, "utf8");
          return;
        }
        const bytes = typeof item === "string" ? Buffer.from(item, "utf8") : item;
        if (used + bytes.length > BLOCK) drain();
        if (bytes.length > BLOCK) return write(bytes);
        block.set(bytes, used);
        used += bytes.length;
      }),
    finish: () =>
      wrap(path, () => {
        drain();
        fsyncSync(fd);
        close();
        return { size, sha256: hash.digest("hex") };
      }),
    close,
  };
}

/** Null where it is missing. */
function openToRead(path: string): number | null {
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw fromSystemError(error, { what: "cannot read a local file", on: path, otherwise: "internal" });
  }
}

/** The file in blocks of at most 1 MiB; each is overwritten by the next. A missing file has none. */
export function* readBlocks(path: string): Generator<Buffer> {
  const fd = openToRead(path);
  if (fd === null) return;
  const block = Buffer.allocUnsafe(BLOCK);
  try {
    for (;;) {
      const got = wrap(path, () => readSync(fd, block, 0, BLOCK, null));
      if (got === 0) return;
      yield block.subarray(0, got);
    }
  } finally {
    closeSync(fd);
  }
}

/** True where the file is, byte for byte, the one that was finished. */
export function hasSum(path: string, sum: FileSum): boolean {
  const hash = createHash("sha256");
  let size = 0;
  for (const block of readBlocks(path)) {
    size += block.length;
    if (size > sum.size) return false;
    hash.update(block);
  }
  return size === sum.size && hash.digest("hex") === sum.sha256;
}

/** The lines of a text file, without their newlines; a last line without one is not told: it was torn by a crash. */
export function* readLines(path: string): Generator<string> {
  const lines = openLines(path);
  for (let line = lines.next(); line !== null; line = lines.next()) yield line;
}

/** A text file that is read line by line, some of which are of no interest. Reads nothing before it is asked. */
export interface LineFile {
  /** Without its newline; null at the end. */
  next(): string | null;
  /** Passes as many lines. */
  skip(lines: number): void;
  /** Needed only where it was not read to its end. */
  close(): void;
}

/**
 * All lines are read through the same memory. New memory for each block would be collected only after tens of MiB of it:
 * whoever passes a million lines makes next to no objects of V8's own meanwhile.
 */
export function openLines(path: string): LineFile {
  /** Undefined before the first line is asked for; null where there is no more to read. */
  let fd: number | null | undefined;
  let block: Buffer = Buffer.alloc(0);
  /** What was read and not told yet is `block` from `at` to `held`. */
  let at = 0;
  let held = 0;
  function close(): void {
    if (typeof fd === "number") closeSync(fd);
    fd = null;
  }
  /** Reads on, behind what is left, which moves to the front; false at the end of the file. */
  function fill(): boolean {
    if (fd === undefined) fd = openToRead(path);
    if (fd === null) return false;
    const from = fd;
    if (at > 0) block.copyWithin(0, at, held);
    else if (held === block.length) block = Buffer.concat([block], Math.max(BLOCK, 2 * held));
    held -= at;
    at = 0;
    const got = wrap(path, () => readSync(from, block, held, block.length - held, null));
    held += got;
    if (got === 0) close();
    return got > 0;
  }
  /** Where the line at `at` ends; -1 where the file does. */
  function end(): number {
    let from = at;
    for (;;) {
      const found = block.indexOf(NEWLINE, from);
      if (found >= 0 && found < held) return found;
      const left = held - at;
      if (!fill()) return -1;
      from = left;
    }
  }
  return {
    next() {
      const to = end();
      if (to < 0) return null;
      const line = block.toString("utf8", at, to);
      at = to + 1;
      return line;
    },
    skip(lines) {
      for (let left = lines; left > 0; left -= 1) {
        const to = end();
        if (to < 0) return;
        at = to + 1;
      }
    },
    close,
  };
}

const NEWLINE = 0x0a;

function wrap<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ColdkeepError) throw error;
    throw fromSystemError(error, { what: "cannot write a local file of the run", on: path, otherwise: "internal" });
  }
}
