import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { HEADS } from "./head-records.ts";
import { type FileRow, mostRowBytes, readRow, rowLength, writeRow } from "./records.ts";

/** How records of one kind lie in bytes; each begins with its length (`rowLength`). */
export interface RecordKind<T> {
  /** Bytes that `write` may need. */
  most(record: T): number;
  /** Writes at `at` and returns where that ends. */
  write(record: T, bytes: Buffer, view: DataView, at: number): number;
  read(bytes: Buffer, view: DataView, at: number): T;
}

/** A file of records that is written once, from its beginning. Not durable: it only has to outlive the run's memory. */
export interface RecordWriter<T> {
  /** Bytes so far. */
  readonly length: number;
  write(record: T): void;
  close(): void;
}

/** A file of records that is read in many stretches, mostly one after the other. */
export interface RecordReader<T> {
  /** The records in `length` bytes from `offset` on. @throws the system's error. */
  rows(offset: number, length: number): Generator<T>;
  close(): void;
}

const ROWS: RecordKind<FileRow> = { most: mostRowBytes, write: writeRow, read: readRow };

/** @throws the system's error. */
export const createRows = (path: string) => createRecords(path, ROWS);
/** @throws the system's error. */
export const openRows = (path: string) => openRecords(path, ROWS);
/** @throws the system's error. */
export const createHeads = (path: string) => createRecords(path, HEADS);
/** @throws the system's error. */
export const openHeads = (path: string) => openRecords(path, HEADS);

const BLOCK = 1 << 18;
/** What is read at once where less is asked for: most folders have few rows, and the next one's are asked for next. */
const AHEAD = 1 << 16;

function createRecords<T>(path: string, kind: RecordKind<T>): RecordWriter<T> {
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
    write(record) {
      const most = kind.most(record);
      if (held + most > block.bytes.length) flush();
      if (most > block.bytes.length) block = makeBlock(most);
      held = kind.write(record, block.bytes, block.view, held);
    },
    close() {
      flush();
      closeSync(fd);
    },
  };
}

function openRecords<T>(path: string, kind: RecordKind<T>): RecordReader<T> {
  const fd = openSync(path, "r");
  /** Never written to again: another stretch may be in the middle of it. */
  let last = { block: makeBlock(0), from: 0, length: 0 };

  function* within(offset: number, length: number): Generator<T> {
    const { block, from } = last;
    const end = offset - from + length;
    for (let at = offset - from; at < end; ) {
      const size = rowLength(block.view, at, end);
      if (size === null || at + size > end) throw cutOff(path);
      yield kind.read(block.bytes, block.view, at);
      at += size;
    }
  }

  function* long(offset: number, length: number): Generator<T> {
    // Each stretch has a block of its own: another may be asked for before this one is at its end.
    let block = makeBlock(Math.min(BLOCK, length));
    let held = 0;
    for (let from = offset, end = offset + length; from < end || held > 0; ) {
      const got = readSync(fd, block.bytes, held, Math.min(block.bytes.length - held, end - from), from);
      from += got;
      held += got;
      let at = 0;
      for (let size = rowLength(block.view, 0, held); size !== null && at + size <= held; ) {
        yield kind.read(block.bytes, block.view, at);
        at += size;
        size = rowLength(block.view, at, held);
      }
      if (got === 0 && at === 0) throw cutOff(path);
      const next = at > 0 || held < block.bytes.length ? block : makeBlock(2 * held);
      next.bytes.set(block.bytes.subarray(at, held));
      held -= at;
      block = next;
    }
  }

  const isHeld = (offset: number, length: number) => offset >= last.from && offset + length <= last.from + last.length;

  return {
    rows(offset, length) {
      if (length <= AHEAD && !isHeld(offset, length)) {
        const block = makeBlock(AHEAD);
        last = { block, from: offset, length: readSync(fd, block.bytes, 0, AHEAD, offset) };
      }
      return isHeld(offset, length) ? within(offset, length) : long(offset, length);
    },
    close: () => closeSync(fd),
  };
}

function cutOff(path: string): Error {
  return new Error(`the rows in ${path} end in the middle of one`);
}

function makeBlock(size: number): { readonly bytes: Buffer; readonly view: DataView } {
  const bytes = Buffer.from(new ArrayBuffer(size));
  return { bytes, view: new DataView(bytes.buffer) };
}
