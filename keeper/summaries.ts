import {
  encodeBackupList,
  encodeHead,
  type Head,
  type Index,
  type IndexEntry,
  parseHead,
} from "../vault/card/index.ts";
import { isColdkeepError, names, type SnapshotId } from "../vault/names/index.ts";
import type { Reader, Replacer } from "../vault/store/facets.ts";
import { contended, readIndex, sameBytes } from "./index-files.ts";
import { isLatestMaterial } from "./order.ts";
import { type NodeScope, readObject } from "./read.ts";
import { HEAD_RECENT, MAX_BYTES } from "./rules.ts";

/** backup_list: what can be restored, newest first; its first line is the latest. */
function backupListOf(index: Index): Uint8Array {
  return encodeBackupList(index.snapshots.filter(isLatestMaterial));
}

/** head.json of an index. */
function headOf(index: Index): Head {
  const { format, vault, node, generation, snapshots } = index;
  const newest = snapshots.find(isLatestMaterial);
  const writers: Record<string, { good?: SnapshotId; recent: Pick<IndexEntry, "snapshot" | "state">[] }> = {};
  for (const { writer, snapshot, state } of snapshots) {
    writers[writer] ??= { recent: [] };
    const told = writers[writer];
    if (state === "good") told.good ??= snapshot;
    if (told.recent.length < HEAD_RECENT) told.recent.push({ snapshot, state });
  }
  return { format, vault, node, generation, ...(newest === undefined ? {} : { newest: newest.snapshot }), writers };
}

export interface StoredList {
  readonly bytes: Uint8Array | null;
  readonly etag: string | null;
}

/** Reads backup_list without judging it: whatever a hand wrote there is replaced. */
export async function readList(store: Reader, scope: NodeScope): Promise<StoredList> {
  const name = names.backupList(scope.node);
  try {
    const object = await store.get(name, { maxBytes: MAX_BYTES.index });
    return { bytes: object?.bytes ?? null, etag: object?.info.etag ?? null };
  } catch (error) {
    if (!isColdkeepError(error, "integrity")) throw error;
    return { bytes: null, etag: (await store.head(name))?.etag ?? null };
  }
}

/** Brings backup_list in line with the index. Null where somebody else was faster. */
export async function writeList(store: Replacer, index: Index, stored: StoredList): Promise<StoredList | null> {
  const bytes = backupListOf(index);
  if (stored.bytes !== null && sameBytes(stored.bytes, bytes)) return stored;
  const outcome = await store.replace(names.backupList(index.node), bytes, stored.etag);
  return outcome.replaced ? { bytes, etag: outcome.info.etag } : null;
}

/** head.json as it was written: its version and the generation it tells of. */
export interface WrittenHead {
  readonly etag: string;
  readonly generation: number;
}

/**
 * Brings head.json in line with the index, unless it tells of a later generation already.
 * @param before what an earlier call wrote: then nothing is read, unless another wrote since
 * @returns what is there now; null where it is of a later index; `ahead` where it tells of an index that is not there any
 * more: one was lost, and what took its place must go beyond that generation
 */
export async function writeHead(
  store: Reader & Replacer,
  scope: NodeScope,
  index: Index,
  before: WrittenHead | null,
): Promise<WrittenHead | { readonly ahead: number } | null> {
  const name = names.headJson(scope.node);
  const bytes = encodeHead(headOf(index));
  const { generation: own } = index;
  if (before !== null && before.generation <= own) {
    const outcome = await store.replace(name, bytes, before.etag);
    if (outcome.replaced) return { etag: outcome.info.etag, generation: own };
  }
  for (let attempt = 0; attempt < 32; attempt += 1) {
    const read = await readObject(store, name, MAX_BYTES.index, (raw) => parseHead(raw, scope, name));
    if (read.found === "it") {
      const { generation } = read.value;
      if (generation > own) return (await isBehind(store, scope, generation)) ? { ahead: generation } : null;
      if (sameBytes(encodeHead(read.value), bytes)) return { etag: read.info.etag, generation };
    }
    const etag = read.found === "nothing" ? null : (read.info ?? (await store.head(name)))?.etag;
    const outcome = await store.replace(name, bytes, etag ?? null);
    if (outcome.replaced) return { etag: outcome.info.etag, generation: own };
  }
  throw contended(name);
}

/** Whether index.json is of an earlier generation: head.json is written after it, so one was lost. */
async function isBehind(store: Reader, scope: NodeScope, generation: number): Promise<boolean> {
  const { index } = await readIndex(store, scope);
  return index === null || index.generation < generation;
}
