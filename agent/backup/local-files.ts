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

/** The file in blocks of at most 1 MiB; each is overwritten by the next. A missing file has none. */
export function* readBlocks(path: string): Generator<Buffer> {
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw fromSystemError(error, { what: "cannot read a local file", on: path, otherwise: "internal" });
  }
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
  let rest: Buffer = Buffer.alloc(0);
  for (const block of readBlocks(path)) {
    let from = 0;
    for (let end = block.indexOf(0x0a); end >= 0; end = block.indexOf(0x0a, from)) {
      const line = block.subarray(from, end);
      yield (rest.length === 0 ? line : Buffer.concat([rest, line])).toString("utf8");
      rest = Buffer.alloc(0);
      from = end + 1;
    }
    if (from < block.length) rest = Buffer.concat([rest, block.subarray(from)]);
  }
}

function wrap<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ColdkeepError) throw error;
    throw fromSystemError(error, { what: "cannot write a local file of the run", on: path, otherwise: "internal" });
  }
}
