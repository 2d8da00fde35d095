import { lstatSync, mkdirSync, rmSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { posixCapabilities } from "../../posix/capabilities.ts";
import { systemClock } from "../../posix/clock.ts";
import { readMounts } from "../../posix/mounts.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { toBytes, toText } from "./bytes.ts";
import { capture } from "./capture.ts";
import { chooseVolumes, makeFreezer } from "./choose-freezer.ts";
import { drive } from "./drive.ts";
import { makeInodes } from "./freeze-files.ts";
import { type PlannedPlace, planPlace, removeRun } from "./frozen-place.ts";
import { makeInodeSet } from "./inode-set.ts";
import { interruption, tryToUndo } from "./interruption.ts";
import { recordsFolder, removeJournal, runFolderName, writeJournal } from "./journal.ts";
import { readLinked } from "./linked.ts";
import { makeLister } from "./list-ahead.ts";
import { makeNotes } from "./notes.ts";
import { recoverFreeze } from "./recover.ts";
import type { FreezeRun } from "./run.ts";
import { makeCopyNeeds } from "./space.ts";
import type { FreezeOptions, PreparedFreeze } from "./types.ts";
import { removeVolumes, volumeContext } from "./volumes/index.ts";
import { walk } from "./walk.ts";
import { createWalkFiles, makeCursor, type WalkFiles } from "./walk-files.ts";

/** A node's height is asked for in this time; without an answer the snapshot has none. */
const HEIGHT_LIMIT = 10_000;

/**
 * Does while the node runs all that can be done: links what never changes, computes what will have to be copied and
 * whether it fits, asks for the height. Whatever an earlier run left is undone first. The node is not touched.
 * @throws ColdkeepError `no-space`, `permission`, `config`, `not-found`, `busy`, `node-start` (of an earlier run's
 * undoing); `interrupted` on abort. Nothing is left then.
 */
export async function prepareFreeze(o: FreezeOptions): Promise<PreparedFreeze> {
  const { control, stateDir, progress, signal, node } = o;
  const clock = o.clock ?? systemClock;
  const earlier = await recoverFreeze({ node, stateDir, control, progress, signal, tools: o.tools });
  for (const did of earlier?.did ?? []) progress.warn(`an earlier run was cut off: ${did}`);
  progress.stage("prepare");
  tellLosses(o);

  const runFolder = runFolderName(node, o.run);
  const plans = [...o.roots].sort((a, b) => (a.name < b.name ? -1 : 1)).map((root) => planPlace(root, runFolder));
  assertFresh(plans);
  const space = o.roots[0]?.snapshotSpace;
  const context = volumeContext({ node, run: o.run, stateDir, space, tools: o.tools });
  const planned = await chooseVolumes(plans, context);
  const volumes = planned?.volumes.map((volume) => volume.record) ?? [];
  const frozen = [...new Set(plans.map(({ run }) => run))];
  const record = { node, run: o.run, label: control.manager.label, frozen, volumes };
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeJournal(stateDir, { ...record, step: "prepared" });

  let records: WalkFiles | null = null;
  async function removeTrees(): Promise<void> {
    records?.close();
    await removeVolumes(volumes, context);
    for (const folder of frozen) await removeRun(folder, nextTurn);
    rmSync(recordsFolder(stateDir), { recursive: true, force: true });
  }

  let gone = false;
  async function undo(): Promise<void> {
    if (gone) return;
    await removeTrees();
    removeJournal(stateDir);
    gone = true;
  }

  try {
    const freezer = makeFreezer({ plans, planned, context, clock, progress });
    const { places } = freezer;
    // Without a journal nobody owns what lies there.
    rmSync(recordsFolder(stateDir), { recursive: true, force: true });
    const files = createWalkFiles(recordsFolder(stateDir));
    records = files;
    const inodes = makeInodes(places, makeInodeSet);
    const notes = makeNotes();
    const mounts = new Set(readMounts().map(({ point }) => point));
    const needs = makeCopyNeeds();
    // Later passes find in memory what the first one read.
    const lister = o.lookedAhead === true ? {} : { lister: makeLister(clock) };
    const nested = freezer.nested === undefined ? {} : { nested: freezer.nested };
    const base = { places, files, notes, mounts, profile: o.profile };

    let last = -1;
    let counts = { linked: 0, files: 0, bytes: 0 };
    const pass: FreezeRun["pass"] = async (handle, { settled, again, views }) => {
      const writer = files.begin();
      const before = last < 0 || views !== undefined ? null : makeCursor(files.heads(last));
      const over = views ?? { ...nested, ...(before === null ? lister : {}) };
      try {
        await drive(walk({ ...base, ...over, writer, before, handle, settled, again }), clock, signal);
      } finally {
        before?.close();
        writer.finish();
      }
      last = writer.walk;
      counts = writer.counts;
      return writer;
    };
    await pass(freezer.first(inodes, needs, o.known), { settled: false, again: true });
    needs.assertRoom();
    const { linked: prelinked, ...found } = counts;
    const prepared = last;
    const heights = control.probe === null ? null : await control.probe.heights({ signal, timeoutMs: HEIGHT_LIMIT });
    signal.throwIfAborted();

    const run: FreezeRun = {
      options: o,
      clock,
      places,
      files,
      inodes,
      notes,
      heights,
      freezer,
      mounts,
      record,
      pass,
      removeTrees,
      undo,
    };
    let used = false;
    return {
      bytesToCopy: needs.total(),
      rooms: needs.rooms,
      prelinked,
      heights,
      found: { files: found.files, bytes: found.bytes },
      linked: () => readLinked({ places, files, walk: prepared }),
      async capture(known, copied) {
        if (used) throw new Error("a prepared freeze captures once");
        used = true;
        if (copied !== undefined) for (const place of places) place.tellCopies(copied);
        return capture(run, known);
      },
      async abandon() {
        if (used) return;
        used = true;
        await undo();
      },
    };
  } catch (error) {
    await tryToUndo(undo, progress);
    throw interruption(error, signal);
  }
}

function assertFresh(plans: readonly PlannedPlace[]): void {
  for (const { run } of plans) {
    if (lstatSync(toBytes(run), { throwIfNoEntry: false }) === undefined) continue;
    throw new ColdkeepError("busy", {
      what: "a frozen tree of this very run is there already",
      on: toText(run),
      why: "another coldkeep made it",
      todo: "find out which, then remove it",
    });
  }
}

function tellLosses({ progress }: FreezeOptions): void {
  const lost = posixCapabilities().filter(({ available }) => !available);
  if (lost.length > 0) progress.note(`not to be had here: ${lost.map((c) => `${c.name}: ${c.detail}`).join("; ")}`);
}
