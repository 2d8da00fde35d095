import { availableParallelism } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../posix/clock.ts";
import { giveBackFreedMemory } from "../../posix/freed-memory.ts";
import { acquireLock } from "../../posix/lockfile.ts";
import { ColdkeepError, isColdkeepError } from "../../vault/names/index.ts";
import { prepareFreeze } from "../freeze/index.ts";
import type { FrozenTree, KnownFiles, PreparedFreeze } from "../freeze/types.ts";
import { type NodeState, openNodeState } from "../state/index.ts";
import { putCard, putLists } from "./commit.ts";
import { lineOf } from "./entry-line.ts";
import { type KnownChunks, knownSegments } from "./known-chunks.ts";
import { useOf } from "./known-files.ts";
import { type KnownParent, likelyParent, openParent } from "./known-parent.ts";
import { makeThreadSource } from "./lazy-pool.ts";
import { createSummedFile, openLines } from "./local-files.ts";
import { type OpenRun, openRun } from "./open-run.ts";
import { makeUploadPace, planThreads } from "./pace.ts";
import { NO_PARENT, openParentEntries, type ParentEntries } from "./parent-entries.ts";
import { RUN_FILES } from "./run-files.ts";
import { makeSameLines } from "./same-lines.ts";
import { type ScannedEntry, scan } from "./scan.ts";
import { type SealedAhead, sealAhead } from "./seal-ahead.ts";
import { startSealThreads } from "./seal-pool.ts";
import { openSealing, type Sealing, type SealingOptions } from "./sealing.ts";
import { storeSegments } from "./segments.ts";
import type { BackupOptions, BackupResult } from "./types.ts";
import { makeUsedRows } from "./used-rows.ts";
import { usedTables, writeLocalRecord } from "./used-tables.ts";

/** Freeze's one entry function. */
export type Freeze = typeof prepareFreeze;

/**
 * The story of a backup: prepare the freeze, claim the name and begin in the vault, stop, freeze and start the node, then
 * read, chunk, compress, seal, pack and put what is new, and commit by the card. Whatever fails, the node runs again,
 * the frozen tree is gone and the vault shows no half snapshot; packs that arrived are taken over by the next run.
 * The node's state must have been made by `init`; one run a node at a time.
 * @throws ColdkeepError of any kind of its parts; `interrupted` on abort; `busy` where another run is active.
 */
export async function runBackup(o: BackupOptions, freeze: Freeze = prepareFreeze): Promise<BackupResult> {
  giveBackFreedMemory();
  const monotonic = o.monotonic ?? systemClock.monotonic;
  const beganAt = monotonic();
  const state = openNodeState(o.stateDir, o.node);
  const lock = acquireLock(join(state.folder, "backup.lock"), `backup of ${o.node}`);
  // Where others start the node, nobody here knows when: it may wait for this run to end.
  const limits = o.control.manager.controls ? (o.pace ?? {}) : {};
  const plan = planThreads(o.workers, availableParallelism(), limits);
  const threads = makeThreadSource(() => o.threads ?? startSealThreads(plan.workers));
  const pace = makeUploadPace({ upload: limits.upload, monotonic, wait: o.wait, signal: o.signal });
  try {
    const captured = await capture(o, state, { threads, pace, monotonic }, freeze);
    const upAt = monotonic();
    // Not before: no second of an outage is spent on being modest.
    pace.begin();
    if (plan.pace !== null) threads.keep(plan.pace);
    try {
      const done = await store(o, captured);
      const at = monotonic();
      const since = captured.early?.since ?? upAt;
      return { ...done, figures: { ...done.figures, uploadMs: at - since, totalMs: at - beganAt } };
    } finally {
      await captured.tree.release();
    }
  } catch (error) {
    throw interruption(error, o.signal);
  } finally {
    await threads.close();
    lock.release();
  }
}

/** What all stages of one run share. */
type Means = Pick<SealingOptions, "threads" | "pace" | "monotonic">;

/** Ends with the node running again, and a run the vault knows of. */
async function capture(o: BackupOptions, state: NodeState, means: Means, freeze: Freeze): Promise<Captured> {
  const { threads, monotonic } = means;
  const { node, roots, profile, control, progress, signal } = o;
  const started = { node, run: `run-${o.now()}`, roots, profile, control, progress, signal, stateDir: state.folder };
  for (const recipient of o.recipients) recipient.prepare?.(o.suite);
  const likely = o.full ? null : likelyParent(o, state);
  // Where there will be something to seal, now, so that they are ready when the node is up again. Members of a group are
  // stored one after the other: each has threads and buffers while it is, and not all of them from the start.
  const ahead = o.group === undefined;
  if (likely === null && ahead) threads.start();
  const known = likely === null ? undefined : ahead ? tellNew(likely.files, threads.start) : likely.files;
  let run: OpenRun;
  let parent: KnownParent | null;
  let prepared: PreparedFreeze | null = null;
  let early: Early | null = null;
  let handOn = async () => {};
  let wrapped: Promise<void> = Promise.resolve();
  try {
    const { lookedAhead = false } = o;
    prepared = await freeze({ ...started, lookedAhead, ...(known === undefined ? {} : { known }) });
    signal.throwIfAborted();
    handOn = (await o.beforeStop?.(prepared.bytesToCopy)) ?? handOn;
    run = await openRun(o, state, prepared.heights, monotonic);
    wrapped = run.wrapped;
    parent = openParent(o, run, likely);
    early = parent === null && ahead ? await beginEarly(o, prepared, { run, parent, ...means }) : null;
  } catch (error) {
    await prepared?.abandon();
    await handOn();
    throw error;
  } finally {
    void wrapped.then(() => {
      for (const recipient of o.recipients) recipient.forget?.();
    });
  }
  try {
    const tree = await prepared.capture(parent === likely ? known : parent?.files, early?.ahead.copied);
    await handOn();
    return { run, parent, tree, means, early };
  } catch (error) {
    await early?.sealing.close();
    // A node that did not start keeps its turn.
    if (!isColdkeepError(error, "node-start")) await handOn();
    throw error;
  } finally {
    early?.ahead.stop();
  }
}

/** What is sealed before the tree is frozen, and by what. */
interface Early {
  readonly sealing: Sealing;
  readonly ahead: SealedAhead;
  /** Monotonic, milliseconds. */
  readonly since: number;
}

/**
 * Where the node is down anyway, files that never change, and what is copied, are sealed while the others are being copied;
 * where it is stopped for the backup, nothing may be in the way of its coming back.
 */
async function beginEarly(
  o: BackupOptions,
  prepared: PreparedFreeze,
  parts: Omit<SealingOptions, "expected">,
): Promise<Early | null> {
  if (o.control.manager.controls || prepared.prelinked + prepared.bytesToCopy === 0) return null;
  // Twice what is there: until the proof that nobody writes, it may become more.
  const expected = { files: 2 * prepared.found.files, bytes: 2 * prepared.found.bytes };
  const sealing = await openSealing(o, { ...parts, expected });
  return { since: parts.monotonic(), sealing, ahead: sealAhead(prepared.linked(), sealing.pool) };
}

/** What the story goes on with once the node is up. */
interface Captured {
  readonly run: OpenRun;
  readonly parent: KnownParent | null;
  readonly tree: FrozenTree;
  readonly means: Means;
  readonly early: Early | null;
}

/** Everything after the node is up: from the frozen tree to the card. */
async function store(o: BackupOptions, captured: Captured) {
  const { progress, signal } = o;
  const { run, parent, tree, means, early } = captured;
  const sealing = early?.sealing ?? (await openSealing(o, { run, parent, expected: tree.figures, ...means }));
  const { known, uploader, pool, assertInTime } = sealing;
  const entries = createSummedFile(join(run.folder, RUN_FILES.entries));
  try {
    const before = parentEntries(parent, known);
    progress.stage("store", tree.figures.bytes);
    const used = makeUsedRows();
    const sameLines = makeSameLines();
    let line = 0;
    const sink = ({ head, pieces, parentLine }: ScannedEntry) => {
      entries.add(lineOf(head, pieces));
      const by = useOf(head, pieces);
      for (const piece of pieces) if (piece >= 0) used.mark(piece, by);
      if (parentLine !== null) sameLines.add(line, parentLine);
      line += 1;
    };
    const namesLast = o.profile.namesLast === true;
    const ahead = early?.ahead ?? null;
    const scanned = await scan({ tree, parent: before, namesLast, pool, ahead, sink, progress });
    before.close();
    const sum = entries.finish();
    await pool.flush();
    pool.keepOne();

    progress.stage("commit");
    const { table, packs } = known;
    const lines = openLines(join(run.folder, RUN_FILES.entries));
    const same = { sameLines, at: knownSegments(parent?.tables ?? null, known.parentRows) };
    const segments = await storeSegments({ lines, known: same, table, origins: packs.origins, pool, used });
    await pool.flush();
    const rows = used.all(table.rows);
    const tables = usedTables(rows, table, packs);
    writeLocalRecord({ folder: run.folder, entries: sum, used: rows, table, tables, segments });
    const parts = { options: o, run, tree, scanned, segments, table, tables, uploader };
    await sealing.ready;
    const core = await putLists(parts);
    signal.throwIfAborted();
    assertInTime();
    const card = await putCard(parts, core);
    // A machine that slept in the middle of that call put a card that the vault takes for broken.
    assertInTime();
    return {
      snapshot: run.id,
      parent: run.parent?.head.snapshot ?? null,
      card,
      notes: tree.omitted,
      figures: { freeze: tree.figures, read: scanned.read, reused: scanned.reused, ...uploader.figures },
    };
  } finally {
    await sealing.close();
    entries.close();
  }
}

/** The same files; `tell` hears of the first that is asked after and not among them. */
function tellNew(files: KnownFiles, tell: () => void): KnownFiles {
  return {
    has(path, fingerprint) {
      const found = files.has(path, fingerprint);
      if (!found) tell();
      return found;
    },
  };
}

function parentEntries(parent: KnownParent | null, { table, parentRows }: KnownChunks): ParentEntries {
  if (parent === null || parentRows === null) return NO_PARENT;
  return openParentEntries(parent.tables.run, parentRows, (row) => table.place(row).plain);
}

/** What an abort looks like from here, whichever call it cut off. */
function interruption(error: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted || (error instanceof ColdkeepError && error.kind !== "internal")) return error;
  return new ColdkeepError("interrupted", {
    what: "the backup was interrupted",
    why: "nothing of this run is visible in the vault",
    todo: "run it again: it takes over what was put",
    cause: error,
  });
}
