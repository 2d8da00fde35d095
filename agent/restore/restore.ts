import { closeSync, constants, openSync } from "node:fs";
import { extname } from "node:path";
import { systemClock } from "../../posix/clock.ts";
import { maySetOwners } from "../../posix/powers.ts";
import { syncFileSystem } from "../../posix/sync.ts";
import { isColdkeepError, messageOf, type Progress, silent } from "../../vault/names/index.ts";
import { chunkKeyOf, defaultWorkers, startPool } from "../open/index.ts";
import { assertNothingElse } from "./assert-complete.ts";
import { type Begun, beginRestore } from "./begin.ts";
import { type BytePath, toBytes } from "./byte-path.ts";
import { oldData } from "./delta.ts";
import type { RestoreAnswer, RestoreJob, StagedPath } from "./jobs.ts";
import { journalPath, type RestoreJournal, readJournal } from "./journal.ts";
import type { Kept } from "./kept.ts";
import type { Layout } from "./layout.ts";
import { placeHardlinks, placeSymlinksAndFinish } from "./links.ts";
import { type MetadataPolicy, metadataOf } from "./metadata.ts";
import { planSwap, stagedRoots } from "./moves.ts";
import { makeNotes, type Notes } from "./notes.ts";
import { placeEntries } from "./place.ts";
import { assertFits, assertRestFits, detailsOf } from "./plan.ts";
import { endJournal, keepStaged, recoverRestore } from "./recover.ts";
import { makeSecondLook } from "./second-look.ts";
import { type SelectedEntry, walkSelected } from "./selection.ts";
import { makeStaging, type Staging } from "./staging.ts";
import { swap } from "./swap.ts";
import { prepareTree, takeOver } from "./take-over.ts";
import { finishSwapped } from "./tidy.ts";
import type { RestoreOptions, RestorePlan, RestoreResult, RestoreThreads } from "./types.ts";

/**
 * Carries a plan out: stage everything beside the targets and read it back, sync, then exchange all roots or none. On any
 * failure, an abort included, what was there before is there again. What was staged by then stays, so that the same
 * restore can go on from it, unless something in it cannot be trusted.
 * @throws ColdkeepError of the kind of what failed.
 */
export async function runRestore(plan: RestorePlan, o: RestoreOptions): Promise<RestoreResult> {
  const clock = o.clock ?? systemClock;
  const began = clock.monotonic();
  const { survey, bound } = detailsOf(plan);
  const inPlace = !("to" in o.targets);
  const notes = makeNotes(o.progress);

  const path = journalPath(o.stateDir, o.node);
  const ended = await recoverRestore({ ...o, keepStaged: true, progress: silent });
  // What it kept is gone on from, or removed, below.
  if (readJournal(path) === null) for (const text of ended?.did ?? []) notes.add(text);
  if (inPlace) await o.assertStopped();
  const begun = beginRestore({
    restore: o,
    rootNames: plan.roots.map(({ name }) => name),
    bound,
    assertFits: (layout) => assertFits(layout, survey),
    say: notes.add,
  });
  const { layout } = begun;
  let { journal } = begun;
  const done = { staged: 0, reused: 0 };
  try {
    await stage(plan, begun, o, notes, done);
    if (o.adapt !== undefined) {
      await o.adapt(stagedRoots(layout.roots));
      syncStaged(layout);
    }
    if (inPlace) await o.assertStopped();
    o.signal.throwIfAborted();
    o.progress.stage("put in place");
    journal = swap(path, { ...journal, ...planSwap(layout.roots, o.renames) });
  } catch (error) {
    leave(path, o.progress, (done.staged > 0 || begun.resumed) && isWorthKeeping(error));
    throw error;
  }
  o.onSwapped?.();
  finishSwapped(path, journal, notes.add);
  return {
    snapshot: plan.snapshot,
    origin: plan.origin,
    heights: plan.heights,
    receivedAt: plan.receivedAt,
    files: plan.files,
    directories: plan.directories,
    links: plan.links,
    bytes: plan.bytes,
    fetched: plan.opened.traffic.bytes,
    reused: done.reused,
    seconds: (clock.monotonic() - began) / 1000,
    roots: reportRoots(plan, layout, journal),
    notes: notes.all(),
  };
}

/** What was adapted must be on the disk before it is in place. */
function syncStaged({ roots }: Layout): void {
  for (const path of new Set(roots.map(({ staging }) => staging))) {
    const fd = openSync(toBytes(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      syncFileSystem(fd);
    } finally {
      closeSync(fd);
    }
  }
}

/**
 * Starts the threads of a restore, for before it is planned: while keys are stretched, one core is free to do so. Close them
 * where none comes to run.
 * @param workers How many; default: one a core, 1 to 8.
 */
export function startRestoreThreads(workers: number = defaultWorkers()): RestoreThreads {
  const url = new URL(`./restore.worker${extname(import.meta.url)}`, import.meta.url);
  const pool = startPool<RestoreJob, RestoreAnswer>(url, workers);
  pool.warm();
  return pool;
}

/** Everything into staging, each byte proven to be what was backed up, read back from there where wanted; all of it durable. */
async function stage(
  plan: RestorePlan,
  { layout, resumed }: Begun,
  o: RestoreOptions,
  notes: Notes,
  done: { staged: number; reused: number },
): Promise<void> {
  const { opened } = plan;
  const { source, packs, survey, selects } = detailsOf(plan);
  const walk = () => walkSelected(source, selects, survey.standIns);
  const policy: MetadataPolicy = { owners: maySetOwners(), special: o.keepSpecialBits };
  const old = oldData(layout, o);
  const staging = makeStaging(layout);
  const progress: Progress = {
    ...o.progress,
    advance: (bytes) => {
      done.staged += bytes;
      o.progress.advance(bytes);
    },
  };
  const common = {
    stagedPath: stagedPaths(staging),
    metadataOf: (selected: SelectedEntry) => {
      notes.seen(selected.entry, policy);
      return metadataOf(selected.entry, policy);
    },
    onLost: notes.add,
    progress,
    signal: o.signal,
    suite: opened.manifest.suite,
    chunkKey: chunkKeyOf(opened),
  };
  const pool = o.threads ?? startRestoreThreads(o.workers);
  try {
    let kept: Kept | null = null;
    if (resumed || o.delta !== undefined) {
      o.progress.stage("look at what is there", survey.data);
      await prepareTree(walk(), common);
      kept = await takeOver(walk(), { ...common, pool, oldPath: old.path, link: old.goes });
      done.reused = kept.bytes;
      if (resumed) assertRestFits(layout, kept);
      o.progress.note(sayKept(kept, survey.data, resumed));
    }
    o.progress.stage("fetch and open", survey.fetch.plain - (kept?.bytes ?? 0));
    const entries = makeSecondLook(walk);
    const readBack = o.readBack ?? true;
    if (!readBack) notes.add("what was written was not read back from the disk");
    await placeEntries(entries.first, { ...common, readBack, opened, packs, pool, kept, resumed });
    if (survey.hardlinks > 0) await placeHardlinks(entries.again(), common);
    await placeSymlinksAndFinish(entries.again(), common);
    if (resumed) assertNothingElse(layout, survey.files + survey.directories + survey.hardlinks + survey.symlinks);
    o.progress.stage("write to disk");
    for (const fd of staging.descriptors) syncFileSystem(fd);
  } finally {
    await pool.close();
    staging.close();
  }
}

function sayKept({ bytes }: Kept, all: number, resumed: boolean): string {
  const percent = Math.floor((100 * bytes) / Math.max(1, all));
  return resumed
    ? `going on from ${percent} %: ${bytes} of ${all} bytes are there and need not be fetched`
    : `${percent} % is taken from the old data: ${bytes} of ${all} bytes need not be fetched`;
}

function stagedPaths(staging: Staging): (selected: { readonly path: BytePath }) => StagedPath {
  const bases = new Map<string, BytePath>();
  return ({ path }) => {
    const slash = path.indexOf("/");
    const root = slash < 0 ? path : path.slice(0, slash);
    let base = bases.get(root);
    if (base === undefined) {
      base = staging.baseOf(root);
      bases.set(root, base);
    }
    return { base, path };
  };
}

/** What was found damaged, or by a fault of ours, is not gone on from. */
function isWorthKeeping(error: unknown): boolean {
  return isColdkeepError(error) && error.kind !== "integrity" && error.kind !== "internal";
}

/**
 * Best effort on the way out of a failure: what cannot be undone now is said, its journal stays for the next start, and
 * the first error is the one thrown.
 */
function leave(path: string, progress: Progress, keep: boolean): void {
  try {
    const journal = readJournal(path);
    if (journal === null) return;
    if (keep) keepStaged(path, journal, (text) => progress.warn(text));
    else endJournal(path, journal, () => {});
  } catch (error) {
    progress.warn(messageOf(error));
  }
}

function reportRoots(plan: RestorePlan, layout: Layout, journal: RestoreJournal): RestoreResult["roots"] {
  return plan.roots.map(({ name, target }) => {
    const old = layout.roots.find((root) => root.name === name)?.old;
    const kept = journal.keepOld && old !== undefined && journal.old.includes(old);
    return { name, target, ...(kept ? { old } : {}) };
  });
}
