import { setImmediate as nextTurn } from "node:timers/promises";
import { ColdkeepError, type Progress } from "../../vault/names/index.ts";
import type { FrozenEntry, FrozenTree } from "../freeze/types.ts";
import { appendPieces, entryHead, latin1, pathOfLine } from "./entry-line.ts";
import { piecesOfTasks, tasksOf } from "./file-tasks.ts";
import { chunkBytes } from "./limits.ts";
import type { ParentEntries, SameEntry } from "./parent-entries.ts";
import type { SealedAhead, SealedPrefix } from "./seal-ahead.ts";
import type { FileTask } from "./seal-messages.ts";
import type { JobResult, SealPool } from "./seal-pool.ts";
import { isSmallCopy, makeSmallCopies } from "./small-copies.ts";
import { type InTurn, makeWindow } from "./window.ts";

export interface ScanFigures {
  readonly entries: number;
  readonly files: number;
  /** Logical bytes of all files. */
  readonly bytes: number;
  /** Bytes read from the frozen tree. */
  readonly read: number;
  /** Bytes of unchanged files and of chunks that were known. */
  readonly reused: number;
  /** Plain bytes of the chunks stored. */
  readonly added: number;
}

export interface ScanOptions {
  readonly tree: FrozenTree;
  readonly parent: ParentEntries;
  /** As the profile's `namesLast`. */
  readonly namesLast: boolean;
  readonly pool: SealPool;
  /** What is sealed of the tree already; null where nothing is. */
  readonly ahead: SealedAhead | null;
  /** Takes the entries in the order of the tree. */
  readonly sink: (entry: ScannedEntry) => void;
  readonly progress: Progress;
}

export interface ScannedEntry {
  /** As `entryHead` tells. */
  readonly head: string;
  /** A row of the chunk table, or minus the length of a hole. */
  readonly pieces: readonly number[];
  /** The parent's line that says the very same; null where there is none. */
  readonly parentLine: number | null;
}

/** Chunks of a file that only grows, taken over from the parent on two conditions: its first and its last are as they were. */
interface PrefixCheck {
  readonly entry: FrozenEntry;
  readonly first: number;
  readonly last: number;
  /** Where in `parts` the first chunk is, then what was taken over, then what begins with the last chunk. */
  readonly part: number;
  /** The bytes between the two. */
  readonly from: number;
  readonly to: number;
}

/** An entry whose content may take several jobs: it is written once all are done. */
class Pending implements InTurn {
  readonly entries = 1;
  readonly head: string;
  readonly same: SameEntry | null;
  readonly parts: (Iterable<number> | null)[];
  missing = 0;
  /** What must turn out to be so for the parts that were taken over unread. */
  check: PrefixCheck | null = null;
  /** What a file that never changes was in the parent; null of all others. */
  readonly was: readonly number[] | null;
  readonly #write: (one: Pending) => void;

  constructor(
    o: Pick<Pending, "head" | "same" | "was"> & {
      readonly known: readonly number[] | null;
      readonly write: (one: Pending) => void;
    },
  ) {
    this.head = o.head;
    this.same = o.same;
    this.was = o.was;
    this.parts = o.known === null ? [] : [o.known];
    this.#write = o.write;
  }

  isReady(): boolean {
    return this.missing === 0;
  }

  write(): void {
    this.#write(this);
  }
}

interface Batch {
  readonly secret: boolean;
  readonly tasks: FileTask[];
  readonly owners: Owner[];
  bytes: number;
}

interface Owner {
  readonly pending: Pending;
  readonly part: number;
}

const BATCH_BYTES = 1 << 20;
const BATCH_FILES = 256;
/** Fewer whole chunks than this of a file that grew are not worth the look whether they are what they were. */
const LEAST_PREFIX = 3;
/** Entries held back behind a job that is still under way. */
const MAX_PENDING = 16_384;
/** Entries between two moments at which signals are heard. */
const STEP = 1024;

/**
 * Walks the frozen tree once: unchanged files take over the parent's pieces unread, everything else goes to
 * the seal workers, small files in batches and big ones in ranges. Memory is bounded by the window of entries that wait.
 */
export async function scan(o: ScanOptions): Promise<ScanFigures> {
  const figures = { entries: 0, files: 0, bytes: 0, read: 0, reused: 0, added: 0 };
  const window = makeWindow();
  const open: { plain: Batch | null; secret: Batch | null } = { plain: null, secret: null };
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;

  function give(head: string, pieces: readonly number[], same: SameEntry | null): void {
    const isSame = same !== null && same.pieces !== null && areSame(pieces, same.pieces);
    o.sink({ head, pieces, parentLine: isSame ? same.line : null });
  }

  function write({ head, same, parts, was }: Pending): void {
    const pieces = joinParts(parts);
    if (was !== null && hasChanged(pieces, was)) failure ??= { error: changed(head) };
    give(head, pieces, same);
  }

  function note(bytes: number, done: JobResult["figures"]): void {
    figures.read += done.read;
    figures.reused += done.known;
    figures.added += done.added;
    o.progress.advance(bytes);
    window.drain();
  }

  /** The end waits for it; the first that fails is what the whole scan fails with. */
  function start(work: Promise<void>): void {
    const job: Promise<void> = work
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => running.delete(job));
    running.add(job);
  }

  const copies = makeSmallCopies({ pool: o.pool, window, give, done: note, start });

  function settle(owners: readonly Owner[], bytes: number, { pieces, figures: done }: JobResult): void {
    let at = 0;
    for (const { pending: owner, part } of owners) {
      const count = pieces[at] ?? 0;
      owner.parts[part] = pieces.subarray(at + 1, at + 1 + count);
      owner.missing -= 1;
      at += 1 + count;
      if (owner.missing === 0 && owner.check !== null) doubt(owner, owner.check);
    }
    note(bytes, done);
  }

  async function dispatch({ tasks, secret, owners, bytes }: Batch): Promise<void> {
    if (failure !== null) throw failure.error;
    await o.pool.room();
    start(o.pool.files(tasks, secret).then((result) => settle(owners, bytes, result)));
  }

  /** Once the ends of a prefix were read: where they are others than before, all between them is read as well. */
  function doubt(owner: Pending, { entry, first: was, last, part, from, to }: PrefixCheck): void {
    owner.check = null;
    const [now] = owner.parts[part] ?? [];
    const [then] = owner.parts[part + 2] ?? [];
    if (now === was && then === last) return;
    o.progress.warn(
      `${Buffer.from(entry.path).toString("utf8")} is said to only grow, but what was stored of it has changed: it is read anew`,
    );
    figures.reused -= to - from;
    // It takes the place of a job, so that the end is waited for.
    owner.missing = 1;
    const again = o.pool.files([...tasksOf(entry, from, to)], entry.secret);
    start(
      again.then(({ pieces, figures: done }) => {
        owner.parts[part + 1] = piecesOfTasks(pieces);
        owner.missing = 0;
        note(0, done);
      }),
    );
  }

  async function flush(kind: "plain" | "secret"): Promise<void> {
    const batch = open[kind];
    open[kind] = null;
    if (batch !== null) await dispatch(batch);
  }

  async function read(owner: Pending, entry: FrozenEntry, from = 0, to = entry.size): Promise<void> {
    const kind = entry.secret ? "secret" : "plain";
    for (const task of tasksOf(entry, from, to)) {
      const part = owner.parts.push(null) - 1;
      owner.missing += 1;
      open[kind] ??= { secret: entry.secret, tasks: [], owners: [], bytes: 0 };
      const batch = open[kind];
      batch.tasks.push(task);
      batch.owners.push({ pending: owner, part });
      batch.bytes += task.to - task.from;
      if (batch.bytes >= BATCH_BYTES || batch.tasks.length >= BATCH_FILES) await flush(kind);
    }
  }

  /** Reads the first and the last of the chunks that the parent has, and what came since. */
  async function readGrown(owner: Pending, entry: FrozenEntry, prefix: readonly number[]): Promise<void> {
    const { size } = entry;
    const chunk = chunkBytes(size);
    const [from, to] = [chunk, (prefix.length - 1) * chunk];
    owner.check = { entry, first: prefix[0] ?? 0, last: prefix.at(-1) ?? 0, part: 0, from, to };
    await read(owner, entry, 0, from);
    owner.parts.push(prefix.slice(1, -1));
    figures.reused += to - from;
    o.progress.advance(to - from);
    await read(owner, entry, to, size);
  }

  /** Waits for what was sealed before the tree was frozen, and reads what follows it. */
  async function readRest(owner: Pending, entry: FrozenEntry, { pieces, to }: SealedPrefix): Promise<void> {
    const part = owner.parts.push(null) - 1;
    owner.missing += 1;
    start(
      pieces.then((sealed) => {
        owner.parts[part] = sealed;
        owner.missing -= 1;
        o.progress.advance(to);
        window.drain();
      }),
    );
    await read(owner, entry, to);
  }

  /** What is in the vault already or has no content: its pieces. Null where the file must be read. */
  function knownPieces(entry: FrozenEntry, path: string, same: SameEntry | null): readonly number[] | null {
    if (entry.type !== "file") return NONE;
    figures.files += 1;
    figures.bytes += entry.size;
    if (entry.fingerprint === "") return null;
    const known = same === null ? o.parent.piecesOf(path, entry) : same.pieces;
    if (known === null) return null;
    figures.reused += entry.size;
    o.progress.advance(entry.size);
    return known;
  }

  async function readNew(owner: Pending, entry: FrozenEntry, path: string): Promise<void> {
    const prefix = o.parent.prefixOf(path, entry, chunkBytes(entry.size));
    // Held by one until all its parts are counted, so that it cannot be written between two of them.
    owner.missing = 1;
    window.add(owner);
    const sealed = o.ahead?.take(entry) ?? null;
    if (sealed !== null) await readRest(owner, entry, sealed);
    else if (prefix === null || prefix.length < LEAST_PREFIX) await read(owner, entry);
    else await readGrown(owner, entry, prefix);
    owner.missing -= 1;
    if (owner.missing === 0 && owner.check !== null) doubt(owner, owner.check);
    window.drain();
  }

  async function sendAll(): Promise<void> {
    await flush("plain");
    await flush("secret");
    await copies.send();
  }

  async function catchUp(): Promise<void> {
    await sendAll();
    while (window.size > MAX_PENDING / 2 && running.size > 0) await Promise.race(running);
  }

  /** Writes an entry whose pieces are known, in its turn. */
  function put(head: string, pieces: readonly number[], same: SameEntry | null): void {
    if (window.isEmpty) give(head, pieces, same);
    else if (!copies.follow(head, pieces, same)) {
      window.add(new Pending({ head, same, known: pieces, was: null, write }));
    }
  }

  /** A file that the parent knows, with all that is told of it. */
  function takeKnown(entry: FrozenEntry, path: string): void {
    const known = o.parent.knownAt(path, entry);
    if (known === null) throw unknown(entry);
    figures.files += 1;
    figures.bytes += entry.size;
    figures.reused += entry.size;
    o.progress.advance(entry.size);
    put(known.head, known.pieces, known);
  }

  async function take(entry: FrozenEntry, path: string): Promise<void> {
    const head = entryHead(entry, path);
    const same = o.parent.sameAs(path, head);
    const known = knownPieces(entry, path, same);
    if (known !== null) put(head, known, same);
    else if (isSmallCopy(entry)) {
      const sealed = o.ahead?.pieceOf(entry) ?? null;
      if (sealed !== null) {
        // Whoever seals them is ahead by little: waiting for it here keeps nobody from working.
        put(head, [typeof sealed === "number" ? sealed : await sealed], same);
        o.progress.advance(entry.size);
        return;
      }
      if (!copies.fits(entry)) await copies.send();
      copies.add(entry, head, path, same);
    } else {
      const was = o.namesLast && entry.type === "file" ? o.parent.lastingAt(path, entry) : null;
      await readNew(new Pending({ head, same, known: null, was, write }), entry, path);
    }
  }

  for (const entry of o.tree.entries()) {
    figures.entries += 1;
    const path = entry.text ?? latin1(entry.path);
    if (entry.known) takeKnown(entry, path);
    else await take(entry, path);
    if (window.size > MAX_PENDING) await catchUp();
    if (figures.entries % STEP === 0) await nextTurn();
    if (failure !== null) throw failureOf(failure);
  }
  await sendAll();
  while (running.size > 0) await Promise.all(running);
  const ahead = await o.ahead?.end();
  figures.read += ahead?.read ?? 0;
  figures.reused += ahead?.known ?? 0;
  figures.added += ahead?.added ?? 0;
  if (failure !== null) throw failureOf(failure);
  window.drain();
  if (failure !== null) throw failureOf(failure);
  return figures;
}

const NONE: readonly number[] = [];

function areSame(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((piece, i) => piece === b[i]));
}

/** Holes are left out of this: the same bytes may be written there or not. */
function hasChanged(now: readonly number[], was: readonly number[]): boolean {
  return ![...now, ...was].some((piece) => piece < 0) && !areSame(now, was);
}

/** Whatever is right, one of the two snapshots would hold what the system never wrote. */
function changed(head: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "a file that never changes has changed",
    on: Buffer.from(pathOfLine(head), "latin1").toString("utf8"),
    why: "the snapshot before has other content under its name and size",
    todo: "nothing of this run is visible. Check the node with its own tools, and the snapshot with `coldkeep verify --read-data`; if what is there is right, as after the node went back to an older state, back up with --full",
  });
}

function failureOf(failure: { readonly error: unknown }): unknown {
  return failure.error;
}

/** What was not copied since its content is known must be known. */
function unknown({ path }: FrozenEntry): ColdkeepError {
  const on = Buffer.from(path).toString("utf8");
  return new ColdkeepError("internal", { what: "a file is not in the frozen tree, and its content is not known", on });
}

function joinParts(parts: readonly (Iterable<number> | null)[]): number[] {
  const joined: number[] = [];
  for (const part of parts) if (part !== null) appendPieces(joined, part);
  return joined;
}
