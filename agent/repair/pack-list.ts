import { hashObject, type NodeScope, readBegin } from "../../keeper/index.ts";
import { encodePackList, type PackListRow } from "../../vault/card/index.ts";
import { isColdkeepError, names, type SnapshotId } from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import { type OpenOptions, openSnapshot } from "../open/index.ts";

/** Rows of one list, as writers cut them. */
const ROWS = 10_000;

/**
 * A pack list made again from the manifest and the packs themselves; whether it is the one that was put, its SHA-256
 * tells. Null where the snapshot cannot be opened or a pack is not there.
 */
export async function remakePackList(
  store: Reader,
  scope: NodeScope,
  options: OpenOptions,
  at: number,
): Promise<Uint8Array | null> {
  const { snapshot, signal } = options;
  try {
    const { manifest } = await openSnapshot(options);
    const begin = await readBegin(store, scope, snapshot);
    const own = new Set<SnapshotId>([snapshot, ...(begin.found === "it" ? begin.value.adopts : [])]);
    const packs = manifest.packs.flatMap(({ origin, index, size }) => {
      const id = manifest.origins[origin]?.snapshot;
      return id !== undefined && own.has(id) ? [{ origin: id, index, size }] : [];
    });
    const rows: PackListRow[] = [];
    for (const { origin, index, size } of packs.slice(at * ROWS, (at + 1) * ROWS)) {
      const sha256 = await hashObject(store, names.pack(scope.node, origin, index), size, () => {}, signal);
      if (sha256 === null) return null;
      rows.push({ origin, index, size, sha256 });
    }
    return encodePackList({ format: 1, ...scope, snapshot, rows });
  } catch (error) {
    if (!isColdkeepError(error, "integrity")) throw error;
    return null;
  }
}
