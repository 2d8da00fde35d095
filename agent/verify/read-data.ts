import { isColdkeepError, type Progress } from "../../vault/names/index.ts";
import type { FrameRow } from "../../vault/sealed/types.ts";
import {
  chunkKeyOf,
  costOf,
  type EntrySource,
  explainDamage,
  type FrameRange,
  fetchRange,
  makeGatherer,
  makeTaskStream,
  type OpenedSnapshot,
  type PackTable,
  toTransferable,
  type WorkerPool,
} from "../open/index.ts";
import type { Damages } from "./damage.ts";
import type { BadFrame, VerifyJob, WantedChunk } from "./open-job.ts";

/** Sealed bytes fetched and not yet opened, at most. */
const UNDER_WAY = 32 << 20;

interface Use extends WantedChunk {
  /** The file, latin1. */
  readonly path: string;
}

export interface ReadDataOptions {
  readonly opened: OpenedSnapshot;
  readonly packs: PackTable;
  readonly source: EntrySource;
  readonly pool: WorkerPool<VerifyJob, readonly BadFrame[]>;
  /** How many bytes there are of packs that lack some; those with none need not be asked for. */
  readonly short: ReadonlyMap<string, number>;
  readonly damages: Damages;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Fetches and opens every frame in use and compares what it holds with the chunk's id. Memory is bounded. */
export async function readData(o: ReadDataOptions): Promise<void> {
  const { store, manifest } = o.opened;
  const common = { suite: manifest.suite, chunkKey: chunkKeyOf(o.opened) };
  const gatherer = makeGatherer<Use>(o.packs);
  const stream = makeTaskStream(UNDER_WAY, o.signal);
  const explained = new Set<string>();

  async function note({ pack, frames }: FrameRange<Use>, row: number, what: string): Promise<void> {
    if (!explained.has(pack.object)) {
      explained.add(pack.object);
      const better = await explainDamage(store, o.packs, pack, null);
      if (isColdkeepError(better)) o.damages.add(pack.object, `${better.what}: ${better.why ?? ""}`);
    }
    for (const { path } of frames[row]?.uses ?? []) o.damages.add(pack.object, what, path);
  }

  async function open(
    range: FrameRange<Use>,
    offset: number,
    bytes: Uint8Array,
    rows: readonly number[],
  ): Promise<void> {
    const frames = rows.flatMap((n) => range.frames[n] ?? []);
    const own = toTransferable(bytes);
    const batch = {
      pack: await o.packs.opening(range.pack),
      base: offset,
      bytes: own,
      rows: frames.map(({ row }) => row),
    };
    const chunks = frames.map(({ uses }) => distinct(uses));
    const bad = await o.pool.run({ ...common, batch, chunks }, [own.buffer]);
    for (const { row, what } of bad) await note(range, rows[row] ?? 0, what);
  }

  async function arrive(range: FrameRange<Use>): Promise<void> {
    const { object } = range.pack;
    const all = range.frames.map((_, n) => n);
    if (o.short.get(object) === 0) {
      for (const n of all) await note(range, n, "the pack is missing from the vault");
      return;
    }
    try {
      await open(range, range.offset, await fetchRange(store, object, range.offset, range.length), all);
    } catch (error) {
      if (!isColdkeepError(error, "integrity")) throw error;
      // A stretch that is not all there: what can be had of it is looked at frame by frame.
      for (const n of all) await openOne(range, n);
    }
    o.progress.advance(range.plain);
  }

  async function openOne(range: FrameRange<Use>, n: number): Promise<void> {
    const row: FrameRow | undefined = range.frames[n]?.row;
    if (row === undefined) return;
    try {
      await open(range, row.offset, await fetchRange(store, range.pack.object, row.offset, row.stored), [n]);
    } catch (error) {
      if (!isColdkeepError(error, "integrity")) throw error;
      await note(range, n, `frame ${row.frame} at byte ${row.offset} cannot be read: ${error.why ?? error.what}`);
    }
  }

  const flush = async () => {
    for (const range of gatherer.take()) await stream.push(costOf(range), () => arrive(range));
  };
  for await (const entries of o.source.segments()) {
    for (const { path, type, pieces, secret } of entries) {
      if (type !== "file") continue;
      const name = Buffer.from(path).toString("latin1");
      for (const piece of pieces) {
        if ("hole" in piece) continue;
        if (gatherer.full) await flush();
        gatherer.add(piece, { path: name, id: piece.id, secret: secret === true });
      }
    }
  }
  await flush();
  await stream.end();
}

/** Many files may use one frame; their ids are the same unless the manifest lies. */
function distinct(uses: readonly Use[]): WantedChunk[] {
  const seen = new Map<string, WantedChunk>();
  for (const { id, secret } of uses) seen.set(`${Buffer.from(id).toString("latin1")}${secret}`, { id, secret });
  return [...seen.values()];
}
