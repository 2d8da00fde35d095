import { ColdkeepError, isColdkeepError, messageOf } from "../../vault/names/index.ts";
import { type Started, startAndWait } from "../node/control.ts";
import type { StoppedNode } from "../node/types.ts";
import { readEntries } from "./entries.ts";
import { makeInodes } from "./freeze-files.ts";
import type { Finished } from "./freezer.ts";
import { makeInodeSet } from "./inode-set.ts";
import { interruption, tryToUndo } from "./interruption.ts";
import { writeJournal } from "./journal.ts";
import type { FreezeRun } from "./run.ts";
import { assertStillDown, stopNode } from "./stop-node.ts";
import type { FrozenTree, KnownFiles } from "./types.ts";

/** A finish that took longer than this (ms) is followed by another look for whoever holds files. */
const LONG_FINISH = 1_000;

interface Captured {
  readonly stopped: StoppedNode;
  readonly capturedAt: number;
}

/**
 * The outage: stop, prove, finish, start. The node is asked to start again whatever happens in between, and an abort
 * does not reach that; only then is anything said about what went wrong.
 */
export async function capture(run: FreezeRun, known: KnownFiles | undefined): Promise<FrozenTree> {
  const { options: o, record, clock } = run;
  let captured: Captured | null = null;
  let failure: { readonly error: unknown } | null = null;
  try {
    await run.freezer.ready();
    o.signal.throwIfAborted();
    // A node that nobody stops for coldkeep need not be started again by whoever comes after a crash.
    if (o.control.manager.controls) writeJournal(o.stateDir, { ...record, step: "stopping" });
  } catch (error) {
    await tryToUndo(run.undo, o.progress);
    throw interruption(error, o.signal);
  }
  try {
    captured = await stopAndFinish(run, known);
  } catch (error) {
    failure = { error };
  }
  const frozenAt = clock.monotonic();
  await o.meeting?.mayStart(captured !== null);
  const waitedMs = clock.monotonic() - frozenAt;
  const started = await bringBack(run, failure?.error ?? null);
  // Only the proof asks for them; the frozen tree outlives it by all the reading.
  for (const set of run.inodes.values()) set.clear();
  if (captured === null || o.signal.aborted) {
    await tryToUndo(run.undo, o.progress);
    throw interruption(failure?.error ?? o.signal.reason, o.signal);
  }
  try {
    const finished = await run.freezer.finish(run, known);
    return makeTree(run, captured, finished, started, waitedMs);
  } catch (error) {
    await tryToUndo(run.undo, o.progress);
    throw interruption(error, o.signal);
  }
}

async function stopAndFinish(run: FreezeRun, known: KnownFiles | undefined): Promise<Captured> {
  const { options: o, clock, inodes, places } = run;
  const proof = { control: o.control, roots: places, inodes, profile: o.profile, progress: o.progress };
  const stopped = await stopNode({
    ...proof,
    clock,
    signal: o.signal,
    // Files that came since the preparation: linked where that will do, and known to the proof. What else changed is
    // the next walk's: no name leads to another inode without its folder's times telling so. Where nobody stops the node
    // there is nothing to wait for: what is new in the next walk is looked at after it, and refused as it would be here.
    beforeProof: async () => {
      if (!o.control.manager.controls) return;
      await run.pass(run.freezer.later(inodes), { settled: true, again: false });
    },
  });
  o.meeting?.stopped();
  o.progress.stage("freeze");
  const capturedAt = clock.now();
  const fresh = makeInodes(places, makeInodeSet);
  await run.freezer.freeze(run, fresh, known);
  const isNew = [...fresh.values()].some((set) => set.size > 0);
  if (isNew) assertStillDown({ ...proof, inodes: fresh });
  if (clock.monotonic() - stopped.provenAt > LONG_FINISH) assertStillDown(proof);
  return { stopped, capturedAt };
}

/** @throws ColdkeepError `node-start`; the journal then stays, so that the next run tries again before all else. */
async function bringBack(run: FreezeRun, failure: unknown): Promise<Started> {
  const { options: o, record, clock } = run;
  // Whoever interrupts waits for the node to run, not for its health.
  const control = o.signal.aborted ? { ...o.control, probe: null } : o.control;
  let started: Started;
  try {
    started = await startAndWait(control, o.progress, new AbortController().signal, clock);
  } catch (error) {
    await tryToUndo(async () => {
      writeJournal(o.stateDir, { ...record, step: "stopping" }, true);
      await run.removeTrees();
    }, o.progress);
    throw failure === null ? error : withFailure(error, failure);
  }
  try {
    if (o.control.manager.controls) writeJournal(o.stateDir, { ...record, step: "started" });
  } catch (error) {
    // The node runs; the worst that follows is that a later run asks it to start once more.
    o.progress.warn(`the journal could not be written: ${messageOf(error)}`);
  }
  return started;
}

function withFailure(error: unknown, failure: unknown): unknown {
  if (!isColdkeepError(error)) return error;
  const { kind, what, on, why, todo } = error;
  return new ColdkeepError(kind, {
    what,
    ...(on === undefined ? {} : { on }),
    why: `${why ?? "no reason is known"} (before that: ${messageOf(failure)})`,
    ...(todo === undefined ? {} : { todo }),
    cause: error,
  });
}

function makeTree(
  run: FreezeRun,
  { stopped, capturedAt }: Captured,
  finished: Finished,
  started: Started,
  waitedMs: number,
): FrozenTree {
  const { options: o, files, notes, heights } = run;
  const { places, walk, groups, counts, volumes } = finished;
  const tree: Omit<FrozenTree, "__brand"> = {
    capturedAt,
    heights,
    roots: places.map(({ root }) => root),
    figures: {
      ...counts,
      ...(volumes === undefined ? {} : { volumes }),
      // Waiting for others is neither the freeze's work nor the node's own time.
      freezeMs: stopped.ownMs + started.askedAt - stopped.provenAt - waitedMs,
      ...(o.meeting === undefined ? {} : { waitedMs }),
      downtimeMs: o.control.manager.controls ? started.runningAt - stopped.askedAt : null,
    },
    get omitted() {
      return notes.list();
    },
    entries: () => readEntries({ places, files, walk, groups, notes }),
    release: () => run.undo(),
  };
  return tree as FrozenTree;
}
