import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { type FileRow, mostRowBytes, readRow, rowLength, writeRow } from "./records.ts";

/** A file of rows that is written once, from its beginning. Not durable: it only has to outlive the run's memory. */
export interface RowWriter {
  /** Bytes so far. */
  readonly length: number;
  write(row: FileRow): void;
  close(): void;
}

const BLOCK = 1 << 18;

/** @throws the system's error. */
export function createRows(path: string): RowWriter {
  const fd = openSync(path, "wx", 0o600);
  let block = makeBlock(BLOCK);
  let held = 0;
  let flushed = 0;
  function flush(): void {
    for (let done = 0; done < held; ) done += writeSync(fd, block.bytes, done, held - done);
    flushed += held;
    held = 0;
  }
  return {
    get length() {
      return flushed + held;
    },
    write(row) {
      const most = mostRowBytes(row);
      if (held + most > block.bytes.length) flush();
      if (most > block.bytes.length) block = makeBlock(most);
      held = writeRow(row, block.bytes, block.view, held);
    },
    close() {
      flush();
      closeSync(fd);
    },
  };
}

/** A file of rows that is read in many stretches, mostly one after the other. */
export interface RowReader {
  /** The rows in `length` bytes from `offset` on. @throws the system's error. */
  rows(offset: number, length: number): Generator<FileRow>;
  close(): void;
}

/** @throws the system's error. */
export function openRows(path: string): RowReader {
  const fd = openSync(path, "r");
  return {
    // Each stretch has a block of its own: another may be asked for before this one is at its end.
    *rows(offset, length) {
      let block = makeBlock(Math.min(BLOCK, length));
      let held = 0;
      for (let from = offset, end = offset + length; from < end || held > 0; ) {
        const got = readSync(fd, block.bytes, held, Math.min(block.bytes.length - held, end - from), from);
        from += got;
        held += got;
        let at = 0;
        for (let size = rowLength(block.view, 0, held); size !== null && at + size <= held; ) {
          yield readRow(block.bytes, block.view, at);
          at += size;
          size = rowLength(block.view, at, held);
        }
        if (got === 0 && at === 0) throw new Error(`the rows in ${path} end in the middle of one`);
        const next = at > 0 || held < block.bytes.length ? block : makeBlock(2 * held);
        next.bytes.set(block.bytes.subarray(at, held));
        held -= at;
        block = next;
      }
    },
    close: () => closeSync(fd),
  };
}

function makeBlock(size: number): { readonly bytes: Buffer; readonly view: DataView } {
  const bytes = Buffer.from(new ArrayBuffer(size));
  return { bytes, view: new DataView(bytes.buffer) };
}
