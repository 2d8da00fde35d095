import { encodeLocks, type LockedSnapshot, parseLocks } from "../../vault/card/index.ts";
import { names, type SnapshotId } from "../../vault/names/index.ts";
import type { Reader, Replacer } from "../../vault/store/facets.ts";
import { type NodeScope, readObject } from "../read.ts";
import { MAX_BYTES } from "../rules.ts";

export type Locked = Omit<LockedSnapshot, "snapshot">;

export interface LocksFile {
  /** How long new objects were locked by themselves when it was written. Milliseconds. */
  readonly ms: number;
  readonly locked: ReadonlyMap<SnapshotId, Locked>;
}

export interface StoredLocks {
  /** Null where there is none, or none that can be read. */
  readonly file: LocksFile | null;
  readonly etag: string | null;
}

/** Reads locks.json. @throws ColdkeepError `refused` where a newer coldkeep wrote it. */
export async function readLocks(store: Reader, scope: NodeScope): Promise<StoredLocks> {
  const name = names.locksJson(scope.node);
  const read = await readObject(store, name, MAX_BYTES.index, (bytes) => parseLocks(bytes, scope, name));
  if (read.found === "nothing") return { file: null, etag: null };
  if (read.found === "malformed") return { file: null, etag: (read.info ?? (await store.head(name)))?.etag ?? null };
  const { ms, locked } = read.value;
  const rows = locked.map(({ snapshot, ...rest }) => [snapshot, rest] as const);
  return { file: { ms, locked: new Map(rows) }, etag: read.info.etag };
}

/** Where another run wrote it meanwhile that one's stays: what only this one locked is locked once more, another night. */
export async function writeLocks(
  store: Replacer,
  scope: NodeScope,
  { ms, locked }: LocksFile,
  etag: string | null,
): Promise<void> {
  const rows = [...locked].sort(([a], [b]) => (a < b ? -1 : 1)).map(([snapshot, rest]) => ({ snapshot, ...rest }));
  const name = names.locksJson(scope.node);
  await store.replace(name, encodeLocks({ format: 1, ...scope, ms, locked: rows }), etag);
}
