import { alignedBytes, roundUp } from "../../posix/aligned.ts";
import { type OpenTask, openTask } from "./read-file.ts";
import type { FileTask } from "./seal-messages.ts";

/** Either the bytes of a chunk (a view that the next call may overwrite) or the length of a hole. */
export type ReadPiece = Uint8Array | number;

/** Reads the chunks of tasks in their order, some of them before they are asked for. */
export interface ReadAhead {
  /** More to read, after all that was added before. */
  add(tasks: readonly FileTask[]): void;
  /**
   * The next piece of the task that is first in line; null at its end, and then the next one is first. Chunks that lie
   * in a hole of a sparse file are not read; chunks of nothing but zeros are holes as well, wherever they lie.
   * @throws ColdkeepError `integrity`, `permission`, else `internal`.
   */
  next(): Promise<ReadPiece | null>;
}

/** What the thread owes to others when it reads. */
export interface ReadManners {
  /** Kept once so many bytes may be read; null: at once. */
  mayRead(bytes: number): Promise<void> | null;
  /**
   * Whether it reads in its own name. What is read ahead is read by the process's other threads, which have not got its
   * priority.
   */
  readsItself(): boolean;
}

const AT_ONCE: ReadManners = { mayRead: () => null, readsItself: () => false };

/**
 * What is read before its turn, in each thread: enough that the disk always has something to do while a thread computes,
 * and no more, as it is memory. Bytes; one chunk may be larger.
 */
const AHEAD = 3 << 20;
/** Steps before their turn that hold no memory: holes, and ends of small files. */
const MOST_STEPS = 64;
/** Buffers are used again: those for small chunks have this many bytes, the others at least that many. */
const SMALL = 64 * 1024;
const LEAST = 1 << 20;
const NO_BYTES = new Uint8Array(0);
let zeros: Buffer = Buffer.alloc(1 << 20);

interface Step {
  readonly buffer: Uint8Array;
  readonly length: number;
  /** Kept once the buffer holds the chunk; null where it is read in its turn. */
  readonly read: Promise<void> | null;
  readonly piece: "bytes" | "hole" | "end";
  readonly file: Opened;
  readonly at: number;
}

type Opened = OpenTask | { readonly error: unknown };

export function makeReadAhead(manners: ReadManners = AT_ONCE): ReadAhead {
  const waiting: FileTask[] = [];
  const steps: Step[] = [];
  const small: Uint8Array[] = [];
  const large: Uint8Array[] = [];
  let held = 0;
  let planned: Generator<Step> | null = null;
  let given: Uint8Array = NO_BYTES;

  function buffer(length: number): Uint8Array {
    const found = (length <= SMALL ? small : large).pop();
    if (found !== undefined && found.length >= length) return found;
    return alignedBytes(length <= SMALL ? SMALL : Math.max(roundUp(length), LEAST));
  }

  function release(bytes: Uint8Array): void {
    const free = bytes.length > SMALL ? large : small;
    if (bytes.length > 0 && free.length < 2 + AHEAD / bytes.length) free.push(bytes);
  }

  function* plan(task: FileTask): Generator<Step> {
    const itself = manners.readsItself();
    const file = tryOpen(task, itself);
    const step = { buffer: NO_BYTES, length: 0, read: null, file, at: task.from };
    if (!("error" in file)) {
      for (let at = task.from; at < task.to; at += task.chunk) {
        const length = Math.min(task.chunk, task.to - at);
        if (file.isHole(at, length)) yield { ...step, length, at, piece: "hole" };
        else if (!task.linked || itself) yield { ...step, length, at, piece: "bytes" };
        else {
          const bytes = buffer(length);
          const may = manners.mayRead(length);
          const read =
            may === null ? file.read(bytes, at, length) : may.then(() => file.read(bytes, at, length) ?? undefined);
          // Whoever comes by its turn meets the error; until then nobody waits for it.
          read?.catch(() => {});
          held += bytes.length;
          yield { ...step, buffer: bytes, length, at, read, piece: "bytes" };
        }
      }
    }
    yield { ...step, piece: "end" };
  }

  function fill(): void {
    while (steps.length < MOST_STEPS && (held < AHEAD || steps.length === 0)) {
      if (planned === null) {
        const task = waiting.shift();
        if (task === undefined) return;
        planned = plan(task);
      }
      const { value, done } = planned.next();
      if (done === true) planned = null;
      else steps.push(value);
    }
  }

  return {
    add(tasks) {
      waiting.push(...tasks);
      fill();
    },
    async next() {
      release(given);
      given = NO_BYTES;
      fill();
      const step = steps.shift();
      if (step === undefined) throw new RangeError("nothing was added that could be read");
      const { file, length, at } = step;
      if ("error" in file) throw file.error;
      if (step.piece === "hole") return length;
      if (step.piece === "end") {
        file.close();
        return null;
      }
      given = step.buffer;
      held -= step.buffer.length;
      if (step.read === null) {
        given = buffer(length);
        await manners.mayRead(length);
        file.read(given, at, length);
      } else await step.read;
      const bytes = given.subarray(0, length);
      return isZero(bytes) ? length : bytes;
    },
  };
}

function tryOpen(task: FileTask, itself: boolean): Opened {
  try {
    return openTask(task, itself);
  } catch (error) {
    return { error };
  }
}

/** Whether a chunk is nothing but zeros, which is stored as a hole. */
export function isZero(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0 || bytes[bytes.length - 1] !== 0) return false;
  if (bytes.length > zeros.length) zeros = Buffer.alloc(bytes.length);
  return zeros.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;
}
