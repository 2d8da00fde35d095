import { isColdkeepError, type Progress } from "../../vault/names/index.ts";
import {
  chunkKeyOf,
  type EntrySource,
  explainDamage,
  type FrameRange,
  LARGEST_REQUEST,
  makeLentMemory,
  makeRangeStream,
  type OpenedSnapshot,
  type PackRow,
  type PackTable,
  type WantedFrame,
  type WorkerPool,
  withBatch,
} from "../open/index.ts";
import type { Damages } from "./damage.ts";
import type { VerifyAnswer, VerifyJob } from "./open-job.ts";

const ID_BYTES = 32;

/** A frame must hold this chunk, in the domain of secret files or not. */
interface Use {
  readonly id: Uint8Array;
  readonly secret: boolean;
  /** The file, latin1. */
  readonly path: string;
}

export interface ReadDataOptions {
  readonly opened: OpenedSnapshot;
  readonly packs: PackTable;
  readonly source: EntrySource;
  readonly pool: WorkerPool<VerifyJob, VerifyAnswer>;
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
  const explained = new Set<string>();
  const lent = makeLentMemory(LARGEST_REQUEST);

  async function note({ pack, frames }: FrameRange<Use>, row: number, what: string): Promise<void> {
    if (!explained.has(pack.object)) {
      explained.add(pack.object);
      const better = await explainDamage(store, o.packs, pack, null);
      if (isColdkeepError(better)) o.damages.add(pack.object, `${better.what}: ${better.why ?? ""}`);
    }
    for (const { path } of frames[row]?.uses ?? []) o.damages.add(pack.object, what, path);
  }

  async function open(range: FrameRange<Use>): Promise<void> {
    const { bad } = await withBatch(store, o.packs, range, lent, (batch, transfer) =>
      o.pool.run({ ...common, batch, ...wantedOf(range) }, transfer),
    );
    for (const { row, what } of bad) await note(range, row, what);
  }

  async function arrive(range: FrameRange<Use>): Promise<void> {
    if (o.short.get(range.pack.object) === 0) {
      for (const n of range.frames.keys()) await note(range, n, "the pack is missing from the vault");
      return;
    }
    try {
      await open(range);
    } catch (error) {
      if (!isColdkeepError(error, "integrity")) throw error;
      // A stretch that is not all there: what can be had of it is looked at frame by frame.
      for (const frame of range.frames) await openOne(range.pack, frame);
    }
    o.progress.advance(range.plain);
  }

  async function openOne(pack: PackRow, frame: WantedFrame<Use>): Promise<void> {
    const { row } = frame;
    const range = { pack, offset: row.offset, length: row.stored, plain: row.plain, frames: [frame] };
    try {
      await open(range);
    } catch (error) {
      if (!isColdkeepError(error, "integrity")) throw error;
      await note(range, 0, `frame ${row.frame} at byte ${row.offset} cannot be read: ${error.why ?? error.what}`);
    }
  }

  const stream = makeRangeStream<Use>({ packs: o.packs, signal: o.signal, arrive });
  for await (const entries of o.source.segments()) {
    for (const { path, type, pieces, secret } of entries) {
      if (type !== "file") continue;
      const name = Buffer.from(path).toString("latin1");
      for (const piece of pieces) {
        if (!("hole" in piece)) await stream.add(piece, { path: name, id: piece.id, secret: secret === true });
      }
    }
  }
  await stream.end();
}

function wantedOf({ frames }: FrameRange<Use>): Pick<VerifyJob, "counts" | "ids" | "secret"> {
  const wanted = frames.map(({ uses }) => distinct(uses));
  const all = wanted.flat();
  const ids = new Uint8Array(all.length * ID_BYTES);
  for (const [n, { id }] of all.entries()) ids.set(id, n * ID_BYTES);
  const secret = Uint8Array.from(all, ({ secret }) => Number(secret));
  return { counts: Uint32Array.from(wanted, ({ length }) => length), ids, secret };
}

/** Many files may use one frame; their ids are the same unless the manifest lies. */
function distinct(uses: readonly Use[]): readonly Use[] {
  if (uses.length === 1) return uses;
  const seen = new Map<string, Use>();
  for (const use of uses) seen.set(`${Buffer.from(use.id).toString("latin1")}${use.secret}`, use);
  return [...seen.values()];
}
