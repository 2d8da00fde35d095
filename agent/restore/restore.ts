import { extname } from "node:path";
import { systemClock } from "../../posix/clock.ts";
import { processIdentity } from "../../posix/process.ts";
import { syncFileSystem } from "../../posix/sync.ts";
import { messageOf, type Progress } from "../../vault/names/index.ts";
import { chunkKeyOf, defaultWorkers, startPool } from "../open/index.ts";
import type { BytePath } from "./byte-path.ts";
import { checkEntries } from "./check.ts";
import type { RestoreAnswer, RestoreJob, StagedPath } from "./jobs.ts";
import { journalPath, type RestoreJournal, readJournal, writeJournal } from "./journal.ts";
import { type Layout, layOut } from "./layout.ts";
import { placeHardlinks, placeSymlinksAndFinish } from "./links.ts";
import { type MetadataPolicy, metadataOf } from "./metadata.ts";
import { oldFolders, planSwap } from "./moves.ts";
import { makeNotes, type Notes } from "./notes.ts";
import { placeEntries } from "./place.ts";
import { assertFits, detailsOf, newRunName } from "./plan.ts";
import { endJournal, recoverRestore } from "./recover.ts";
import { type SelectedEntry, walkSelected } from "./selection.ts";
import { makeStaging, type Staging } from "./staging.ts";
import { swap } from "./swap.ts";
import { finishSwapped } from "./tidy.ts";
import type { RestoreOptions, RestorePlan, RestoreResult } from "./types.ts";

/**
 * Carries a plan out: stage everything beside the targets, sync, read it back, then exchange all roots or none. On any
 * failure, an abort included, what was there before is there again and the staging is gone.
 * @throws ColdkeepError of the kind of what failed.
 */
export async function runRestore(plan: RestorePlan, o: RestoreOptions): Promise<RestoreResult> {
  const clock = o.clock ?? systemClock;
  const began = clock.monotonic();
  const details = detailsOf(plan);
  const inPlace = !("to" in o.targets);
  const notes = makeNotes(o.progress);

  await recoverRestore(o);
  if (inPlace) await o.assertStopped();
  const layout = layOut(
    o.targets,
    plan.roots.map(({ name }) => name),
    newRunName(),
  );
  assertFits(layout, details.survey);

  const path = journalPath(o.stateDir, o.node);
  let journal = beginJournal(layout, o);
  writeJournal(path, journal);
  try {
    await stage(plan, layout, o, notes);
    if (inPlace) await o.assertStopped();
    o.signal.throwIfAborted();
    o.progress.stage("put in place");
    journal = swap(path, { ...journal, ...planSwap(layout.roots) });
  } catch (error) {
    undo(path, o.progress);
    throw error;
  }
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
    seconds: (clock.monotonic() - began) / 1000,
    roots: reportRoots(plan, layout, journal),
    notes: notes.all(),
  };
}

/** Everything into staging, durable and proven to be what was backed up. */
async function stage(plan: RestorePlan, layout: Layout, o: RestoreOptions, notes: Notes): Promise<void> {
  const { opened } = plan;
  const { source, packs, survey, selects } = detailsOf(plan);
  const walk = () => walkSelected(source, selects, survey.standIns);
  const policy: MetadataPolicy = { owners: process.getuid?.() === 0, special: o.keepSpecialBits };
  const staging = makeStaging(layout);
  const common = {
    stagedPath: stagedPaths(staging),
    metadataOf: (selected: SelectedEntry) => {
      notes.seen(selected.entry, policy);
      return metadataOf(selected.entry, policy);
    },
    onLost: notes.add,
    progress: o.progress,
    signal: o.signal,
  };
  const url = new URL(`./restore.worker${extname(import.meta.url)}`, import.meta.url);
  const pool = startPool<RestoreJob, RestoreAnswer>(url, o.workers ?? defaultWorkers());
  try {
    o.progress.stage("fetch and open", survey.fetch.plain);
    await placeEntries(walk(), { ...common, opened, packs, pool });
    if (survey.hardlinks > 0) await placeHardlinks(walk(), common);
    await placeSymlinksAndFinish(walk(), common);
    o.progress.stage("write to disk");
    for (const fd of staging.descriptors) syncFileSystem(fd);
    o.progress.stage("check", survey.data);
    const chunkKey = chunkKeyOf(opened);
    await checkEntries(walk(), { ...common, manifest: opened.manifest, chunkKey, pool });
  } finally {
    await pool.close();
    staging.close();
  }
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

function beginJournal(layout: Layout, o: RestoreOptions): RestoreJournal {
  return {
    format: 1,
    phase: "staging",
    owner: processIdentity(),
    snapshot: o.snapshot,
    staging: [...new Set(layout.roots.map(({ staging }) => staging))],
    made: [...(layout.make === null ? [] : [layout.make]), ...oldFolders(layout.roots)],
    moves: [],
    old: [],
    keepOld: o.keepOld,
    late: [],
  };
}

/**
 * Best effort on the way out of a failure: what cannot be undone now is said, its journal stays for the next start, and
 * the first error is the one thrown.
 */
function undo(path: string, progress: Progress): void {
  try {
    const journal = readJournal(path);
    if (journal !== null) endJournal(path, journal, () => {});
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
