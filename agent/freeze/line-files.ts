import { closeSync, openSync, readSync, writeSync } from "node:fs";

/** A file that is written once, from its beginning, in lines. Not durable: it only has to outlive the run's memory. */
export interface LineWriter {
  /** Bytes so far. */
  readonly length: number;
  write(line: string): void;
  flush(): void;
  close(): void;
}

const BLOCK = 1 << 18;

/** @throws the system's error. */
export function createLines(path: string): LineWriter {
  const fd = openSync(path, "wx", 0o600);
  let waiting: string[] = [];
  let held = 0;
  let length = 0;
  function flush(): void {
    const bytes = Buffer.from(waiting.join(""), "utf8");
    waiting = [];
    held = 0;
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  }
  return {
    get length() {
      return length;
    },
    write(line) {
      const size = Buffer.byteLength(line);
      waiting.push(line);
      held += size;
      length += size;
      if (held >= BLOCK) flush();
    },
    flush,
    close() {
      flush();
      closeSync(fd);
    },
  };
}

/** A file of lines that is read in many small stretches, mostly one after the other. */
export interface LineReader {
  /** The lines of `length` bytes from `offset` on, without their newlines. @throws the system's error. */
  lines(offset: number, length: number): Generator<string>;
  close(): void;
}

/** @throws the system's error. */
export function openLines(path: string): LineReader {
  const fd = openSync(path, "r");
  const block = Buffer.allocUnsafe(BLOCK);
  let from = 0;
  let held = 0;

  /** The stretch, where it is short enough to be looked at in the block. */
  function stretch(offset: number, length: number): Buffer {
    if (offset < from || offset + length > from + held) {
      from = offset;
      held = 0;
      for (;;) {
        const got = readSync(fd, block, held, block.length - held, from + held);
        held += got;
        if (got === 0 || held === block.length) break;
      }
    }
    return block.subarray(offset - from, Math.min(held, offset - from + length));
  }

  return {
    *lines(offset, length) {
      if (length > BLOCK) {
        yield* readLines(path, offset, length);
        return;
      }
      // As text of its own: another stretch may be asked for before this one is at its end.
      yield* stretch(offset, length).toString("utf8").split("\n").slice(0, -1);
    },
    close: () => closeSync(fd),
  };
}

/** The lines of `length` bytes of a file from `offset` on, without their newlines. @throws the system's error. */
export function* readLines(path: string, offset = 0, length = Number.POSITIVE_INFINITY): Generator<string> {
  if (length === 0) return;
  const fd = openSync(path, "r");
  try {
    const block = Buffer.allocUnsafe(Math.min(BLOCK, length));
    let rest: Buffer = Buffer.alloc(0);
    for (let at = offset, end = offset + length; at < end; ) {
      const got = readSync(fd, block, 0, Math.min(block.length, end - at), at);
      if (got === 0) break;
      at += got;
      const bytes = rest.length === 0 ? block.subarray(0, got) : Buffer.concat([rest, block.subarray(0, got)]);
      let from = 0;
      for (let next = bytes.indexOf(10); next >= 0; next = bytes.indexOf(10, from)) {
        yield bytes.toString("utf8", from, next);
        from = next + 1;
      }
      rest = Buffer.from(bytes.subarray(from));
    }
  } finally {
    closeSync(fd);
  }
}
