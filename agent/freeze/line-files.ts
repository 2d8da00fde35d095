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

/** The lines of a file, without their newlines. @throws the system's error. */
export function* readLines(path: string): Generator<string> {
  const fd = openSync(path, "r");
  try {
    const block = Buffer.allocUnsafe(BLOCK);
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      const got = readSync(fd, block, 0, block.length, null);
      if (got === 0) break;
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
