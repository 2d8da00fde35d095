import { parentPort } from "node:worker_threads";
import { systemClock } from "../../posix/clock.ts";
import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import { chunkId, chunkIdKey } from "../../vault/sealed/chunk-id.ts";
import { ChunkTable } from "./chunk-table.ts";
import { makeCopyReader } from "./copy-reader.ts";
import { makePackWriter, type PackWriter } from "./pack-writer.ts";
import { isZero, makeReadAhead } from "./read-ahead.ts";
import type { CopyJob, FileTask, FromWorker, SealWorkerData, ToWorker, WorkerError } from "./seal-messages.ts";
import { makeThreadManners } from "./thread-pace.ts";

/**
 * Reads, names, compresses and seals, in a thread of its own: file tasks in, pieces and full packs out. Works through
 * its messages one by one, while the next chunks are read; waits only for those, and for a buffer to seal the next pack
 * into.
 */
const port = parentPort;
if (port === null) throw new Error("seal.worker.ts runs in a worker thread");
let sealing: ReturnType<typeof beginSealing> | null = null;
const manners = makeThreadManners();
const reader = makeReadAhead(manners);
const copyReader = makeCopyReader();
const queue: ToWorker[] = [];
const buffers: SharedArrayBuffer[] = [];
let wake: (() => void) | null = null;
let figures = { read: 0, known: 0, added: 0 };
let ended = false;
/** Milliseconds of computing since the last rest. */
let worked = 0;

port.on("message", (message: ToWorker) => {
  if (message.type === "end") {
    // Nothing else keeps the thread: whatever still waits for a buffer or a message waits for ever.
    ended = true;
    copyReader.close();
    port.close();
    return;
  }
  if (message.type === "open") sealing = beginSealing(message.data);
  else if (message.type === "buffer") buffers.push(message.buffer);
  else if (message.type === "pace") manners.keep(message.pace);
  else queue.push(message);
  if (message.type === "files") reader.add(message.tasks);
  wake?.();
});
/** Of one run: its thread is started before the run's keys and chunks are known. */
function beginSealing(data: SealWorkerData) {
  const table = new ChunkTable(data.table);
  return {
    suite: data.scope.suite,
    table,
    idKey: chunkIdKey(data.chunkKey),
    open: makePackWriter(data, table, false),
    secret: makePackWriter(data, table, true),
  };
}

/** Whoever sends work has sent what to seal with before. */
function run() {
  if (sealing === null) throw new Error("a seal worker was given work before it was opened");
  return sealing;
}

work().catch((error: unknown) => send({ type: "failed", error: flatten(error) }));

async function work(): Promise<void> {
  while (!ended) {
    const message = queue.shift();
    if (message === undefined) {
      await sleepUntilMessage();
      continue;
    }
    figures = { read: 0, known: 0, added: 0 };
    const pieces = await perform(message);
    const array = Float64Array.from(pieces);
    if ("job" in message) send({ type: "done", job: message.job, pieces: array, figures }, [array.buffer]);
  }
}

async function perform(message: ToWorker): Promise<number[]> {
  const pieces: number[] = [];
  if (message.type === "files") {
    for (const task of message.tasks) {
      if (ended) break;
      const at = pieces.push(0) - 1;
      await storeFile(task, pieces);
      pieces[at] = pieces.length - at - 1;
    }
  } else if (message.type === "copies") {
    await storeCopies(message.copies, pieces);
  } else if (message.type === "segment") {
    pieces.push(1, await storeChunk(message.bytes, run().open, false));
  } else if (message.type === "flush") {
    handOver(run().open);
    handOver(run().secret);
  }
  return pieces;
}

async function storeFile(task: FileTask, pieces: number[]): Promise<void> {
  const writer = task.secret ? run().secret : run().open;
  for (let piece = await reader.next(); piece !== null && !ended; piece = await reader.next()) {
    if (typeof piece === "number") {
      pieces.push(-piece);
    } else {
      figures.read += piece.length;
      pieces.push(await storeChunk(piece, writer, task.secret));
      await manners.rest(worked);
      worked = 0;
    }
  }
}

/** Between two rests. Milliseconds. */
const REST_AFTER = 5;

async function storeCopies(copies: CopyJob, pieces: number[]): Promise<void> {
  const { open } = run();
  await manners.mayRead(copies.sizes.reduce((sum, size) => sum + size, 0));
  for (let n = 0; n < copies.offsets.length && !ended; n += 1) {
    const plain = copyReader.read(copies, n);
    if (isZero(plain)) pieces.push(-plain.length);
    else {
      figures.read += plain.length;
      const row = claim(plain, false);
      if (row >= 0) {
        if (!hasRoom(open, plain.length)) await makeRoom(open, false);
        add(row, plain, open);
      }
      pieces.push(row < 0 ? ~row : row);
    }
    if (worked < REST_AFTER) continue;
    await manners.rest(worked);
    worked = 0;
  }
}

/** The row of a chunk, which is stored first where nobody stored or claimed it before. */
async function storeChunk(plain: Uint8Array, writer: PackWriter, isSecret: boolean): Promise<number> {
  const row = claim(plain, isSecret);
  if (row < 0) return ~row;
  if (!hasRoom(writer, plain.length)) await makeRoom(writer, isSecret);
  add(row, plain, writer);
  return row;
}

/** The row that a chunk is to be stored in; `~row` where it is stored, or somebody does it. */
function claim(plain: Uint8Array, isSecret: boolean): number {
  const { suite, table, idKey } = run();
  const since = systemClock.monotonic();
  const row = table.claim(chunkId(suite, idKey, plain, isSecret));
  if (row < 0) figures.known += plain.length;
  worked += systemClock.monotonic() - since;
  return row;
}

/** Hands on a pack that is full. False where none is open. */
function hasRoom(writer: PackWriter, length: number): boolean {
  if (writer.isFull(length)) {
    const since = systemClock.monotonic();
    handOver(writer);
    worked += systemClock.monotonic() - since;
  }
  return !writer.isClosed;
}

async function makeRoom(writer: PackWriter, isSecret: boolean): Promise<void> {
  // Secret files are few and small: their packs grow in memory of their own instead of holding a large buffer.
  writer.begin(isSecret ? null : await nextBuffer());
}

function add(row: number, plain: Uint8Array, writer: PackWriter): void {
  const since = systemClock.monotonic();
  writer.add(row, plain);
  figures.added += plain.length;
  worked += systemClock.monotonic() - since;
}

function handOver(writer: PackWriter): void {
  const full = writer.seal();
  if (full === null) return;
  const { index, bytes, sha256, salt, commit, secret: isSecret } = full.sealed;
  const transfer = [bytes.buffer, full.rows.buffer].filter((buffer) => buffer instanceof ArrayBuffer);
  send({ type: "pack", index, secret: isSecret, bytes, sha256, salt, commit, rows: full.rows }, transfer);
}

async function nextBuffer(): Promise<SharedArrayBuffer> {
  for (;;) {
    const buffer = buffers.shift();
    if (buffer !== undefined) return buffer;
    await sleepUntilMessage();
  }
}

function sleepUntilMessage(): Promise<void> {
  return new Promise((resolve) => {
    wake = resolve;
  });
}

function send(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

function flatten(error: unknown): WorkerError {
  if (error instanceof ColdkeepError) {
    const { kind, what, on, why, todo } = error;
    return { kind, what, on, why, todo };
  }
  const stack = error instanceof Error ? error.stack : undefined;
  return {
    kind: "internal",
    what: "a seal worker failed",
    on: undefined,
    why: stack ?? messageOf(error),
    todo: undefined,
  };
}
