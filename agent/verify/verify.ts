import { extname } from "node:path";
import { systemClock } from "../../posix/clock.ts";
import { isColdkeepError, names } from "../../vault/names/index.ts";
import {
  defaultWorkers,
  makeEntrySource,
  makePackTable,
  type OpenedSnapshot,
  openSnapshot,
  startPool,
} from "../open/index.ts";
import { checkEntryList, type EntryFigures } from "./check-entries.ts";
import { checkPacks } from "./check-packs.ts";
import { type Damages, makeDamages } from "./damage.ts";
import type { VerifyAnswer, VerifyJob } from "./open-job.ts";
import { readData } from "./read-data.ts";
import type { VerifyOptions, VerifyResult, VerifyThreads } from "./types.ts";

/**
 * Starts the threads that open frames, for before they are needed: they find their code while the vault is asked for what
 * describes the data. For several snapshots, one after the other; the caller closes them.
 * @param workers How many; default: one a core, 1 to 8.
 */
export function startVerifyThreads(workers: number = defaultWorkers()): VerifyThreads {
  const url = new URL(`./verify.worker${extname(import.meta.url)}`, import.meta.url);
  const pool = startPool<VerifyJob, VerifyAnswer>(url, workers);
  pool.warm();
  return pool;
}

/**
 * Proves with the key that a snapshot can be restored: card, key file, manifest, pack table, every segment of the list
 * of files; with `readData` also every frame in use. Places nothing. What is damaged is part of the answer.
 * @throws ColdkeepError `not-found`, `key`, `refused`, and whatever keeps it from finding out (`vault`, `permission`).
 */
export async function runVerify(o: VerifyOptions): Promise<VerifyResult> {
  const clock = o.clock ?? systemClock;
  const began = clock.monotonic();
  const damages = makeDamages();
  const notes: string[] = [];
  const progress = {
    ...o.progress,
    warn: (text: string) => {
      notes.push(text);
      o.progress.warn(text);
    },
  };
  const opened = await tellFatal(damages, names.card(o.node, o.snapshot), () => openSnapshot({ ...o, progress }));
  const found = opened === null ? null : await verifyOpened(opened, damages, o);
  const list = damages.list();
  return {
    snapshot: o.snapshot,
    ok: list.length === 0,
    origin: opened?.origin ?? null,
    readData: o.readData,
    damages: list,
    files: found?.files ?? 0,
    bytes: found?.bytes ?? 0,
    chunks: found?.chunks ?? 0,
    packs: opened?.manifest.packs.length ?? 0,
    fetched: opened?.traffic.bytes ?? 0,
    seconds: (clock.monotonic() - began) / 1000,
    notes,
  };
}

async function verifyOpened(opened: OpenedSnapshot, damages: Damages, o: VerifyOptions): Promise<EntryFigures | null> {
  const manifestName = names.manifest(o.node, o.snapshot);
  return await tellFatal(damages, manifestName, async () => {
    const packs = makePackTable(opened);
    o.progress.stage("packs");
    const short = await checkPacks(opened, packs, damages, o.signal);
    await checkKeys(opened, damages);
    o.progress.stage("list of files");
    const source = makeEntrySource(opened, packs, o.signal);
    const figures = await checkEntryList(source, packs, short, damages);
    if (!o.readData) return figures;
    o.progress.stage("data", figures.bytes);
    const pool = o.openingThreads ?? startVerifyThreads(o.workers);
    try {
      await readData({ opened, packs, source, pool, short, damages, progress: o.progress, signal: o.signal });
    } finally {
      if (o.openingThreads === undefined) await pool.close();
    }
    return figures;
  });
}

/** Every origin's key file must open, or its packs are lost. */
async function checkKeys({ manifest, ring }: OpenedSnapshot, damages: Damages): Promise<void> {
  for (const { snapshot } of manifest.origins) {
    await tellFatal(damages, names.keyJson(manifest.node, snapshot), () => ring.keysOf(snapshot));
  }
}

/** Damage that makes all of it unusable becomes part of the answer; everything else is thrown. */
async function tellFatal<T>(damages: Damages, object: string, act: () => Promise<T>): Promise<T | null> {
  try {
    return await act();
  } catch (error) {
    if (!isColdkeepError(error, "integrity")) throw error;
    // What it happened on may be a path in the list of files, or nothing.
    const [node] = object.split("/");
    damages.addFatal(error, error.on?.startsWith(`${node}/`) === true ? error.on : object);
    return null;
  }
}
