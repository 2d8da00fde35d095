import { timingSafeEqual } from "node:crypto";
import { ColdkeepError, fromBase64url, names } from "../../vault/names/index.ts";
import { chunkId, EntryOrder, parseSegment, parseSegmentAgain } from "../../vault/sealed/index.ts";
import type { ManifestEntry, ManifestSegment } from "../../vault/sealed/types.ts";
import { advise } from "./advise.ts";
import { explainDamage } from "./diagnose.ts";
import { fetchRange } from "./fetch.ts";
import { type FrameRange, type GatherLimits, makeGatherer } from "./gather.ts";
import { openerOf } from "./open-frames.ts";
import type { PackTable } from "./pack-table.ts";
import { makeTreeGuard } from "./tree-guard.ts";
import type { OpenedSnapshot } from "./types.ts";

/** Segments lie side by side: a few are fetched by one request. */
const LIMITS: GatherLimits = { range: 8 << 20, perRange: 4096, gap: 128 << 10, plain: 4 << 20, frames: 4096 };
/** Entries handed out together: parsed, they take far more memory than in their segment. */
const AT_ONCE = 256;
/** Sealed segments kept for the next pass over the entries; what does not fit is fetched again. */
const CACHE_BYTES = 48 << 20;
const NOTHING = new Uint8Array(0);

/** The entries of a snapshot, as often as they are asked for, some at a time, in the order of `comparePaths`. */
export interface EntrySource {
  /** @throws ColdkeepError `integrity` for anything damaged or hostile; the store's errors; the signal's reason. */
  segments(): AsyncGenerator<readonly ManifestEntry[]>;
}

export function makeEntrySource(opened: OpenedSnapshot, packs: PackTable, signal: AbortSignal): EntrySource {
  const { manifest, store } = opened;
  const key = chunkKeyOf(opened);
  /** All of it was walked and found good; what comes later has the same ids, so it is the same. */
  let checked = false;
  const cache = new Map<string, Uint8Array>();
  let cached = 0;

  async function fetchCached(range: FrameRange<ManifestSegment>): Promise<Uint8Array> {
    const key = `${range.pack.object} ${range.offset}`;
    const known = cache.get(key);
    if (known !== undefined && known.length === range.length) return known;
    const bytes = await fetchRange(store, range.pack.object, range.offset, range.length);
    if (cached + bytes.length <= CACHE_BYTES) {
      cache.set(key, bytes);
      cached += bytes.length;
    }
    return bytes;
  }

  async function openBatch(segments: readonly ManifestSegment[]): Promise<Map<ManifestSegment, Uint8Array>> {
    const gatherer = makeGatherer<ManifestSegment>(packs, LIMITS);
    for (const segment of segments) gatherer.add(segment, segment);
    const opened = new Map<ManifestSegment, Uint8Array>();
    for (const range of gatherer.take()) {
      signal.throwIfAborted();
      try {
        const bytes = await fetchCached(range);
        const opener = openerOf(await packs.opening(range.pack));
        for (const { row, uses } of range.frames) {
          const start = row.offset - range.offset;
          const plain = opener.open(row, bytes.subarray(start, start + row.stored)).bytes;
          for (const segment of uses) {
            assertId(segment, plain);
            opened.set(segment, plain);
          }
        }
      } catch (error) {
        throw advise(await explainDamage(store, packs, range.pack, error), range.pack.object);
      }
    }
    return opened;
  }

  function assertId(segment: ManifestSegment, plain: Uint8Array): void {
    const wanted = fromBase64url(segment.id, 32);
    const found = chunkId(manifest.suite, key, plain);
    if (wanted === null || !timingSafeEqual(wanted, found))
      throw damaged("a segment's content is not what its id says");
  }

  const name = names.manifest(manifest.node, manifest.snapshot);

  function* parse(plain: Uint8Array, order: EntryOrder): Generator<ManifestEntry[]> {
    let some: ManifestEntry[] = [];
    try {
      for (const entry of checked ? parseSegmentAgain(plain) : parseSegment(plain, order)) {
        some.push(entry);
        if (some.length < AT_ONCE) continue;
        yield some;
        some = [];
      }
    } catch (error) {
      throw advise(error, name);
    }
    yield some;
  }

  function end(order: EntryOrder): void {
    try {
      order.end();
    } catch (error) {
      throw advise(error, name);
    }
  }

  return {
    segments: async function* () {
      const guard = makeTreeGuard(manifest);
      const order = new EntryOrder();
      for (const batch of batches(manifest.segments)) {
        const opened = await openBatch(batch);
        for (const segment of batch) {
          signal.throwIfAborted();
          let count = 0;
          for (const entries of parse(opened.get(segment) ?? NOTHING, order)) {
            if (!checked) for (const entry of entries) guard.check(entry);
            count += entries.length;
            yield entries;
          }
          if (count !== segment.entries)
            throw advise(damaged(`a segment holds ${count} entries, not ${segment.entries}`), name);
        }
      }
      if (checked) return;
      end(order);
      guard.finish();
      checked = true;
    },
  };
}

/** The node's chunk-id key. @throws ColdkeepError `integrity` where it is not 32 bytes. */
export function chunkKeyOf({ manifest }: Pick<OpenedSnapshot, "manifest">): Uint8Array {
  const key = fromBase64url(manifest.chunk_key, 32);
  if (key === null) throw damaged("the chunk key is malformed");
  return key;
}

function* batches(segments: readonly ManifestSegment[]): Generator<ManifestSegment[]> {
  let batch: ManifestSegment[] = [];
  let plain = 0;
  for (const segment of segments) {
    if (plain + segment.plain > LIMITS.plain && batch.length > 0) {
      yield batch;
      batch = [];
      plain = 0;
    }
    batch.push(segment);
    plain += segment.plain;
  }
  if (batch.length > 0) yield batch;
}

function damaged(why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "the snapshot's list of files is damaged",
    why,
    todo: "use another snapshot",
  });
}
