import { ColdkeepError, fromBase64url, names, type SnapshotId } from "../../vault/names/index.ts";
import type { ChunkPlace, ObjectKey, SnapshotScope } from "../../vault/sealed/types.ts";
import type { OpenedSnapshot } from "./types.ts";

/** One pack as the manifest's table describes it. */
export interface PackRow {
  readonly origin: SnapshotId;
  readonly index: number;
  readonly size: number;
  readonly salt: Uint8Array;
  readonly commit: Uint8Array;
  /** Its name in the vault. */
  readonly object: string;
}

/** All that opens frames of one pack; crosses to worker threads by structured clone. */
export interface PackOpening {
  readonly object: string;
  readonly index: number;
  readonly scope: SnapshotScope;
  /** The origin's key("pack"), or what opens this pack alone. */
  readonly key: ObjectKey;
  readonly salt: Uint8Array;
  readonly commit: Uint8Array;
}

export interface PackTable {
  readonly rows: readonly PackRow[];
  /** The pack a chunk lies in. @throws ColdkeepError `integrity` for a place outside of what the table allows. */
  find(place: ChunkPlace): PackRow;
  opening(row: PackRow): Promise<PackOpening>;
}

/** FORMAT.md "OBJECT": header, and the largest frame with its tag. */
const HEADER = 96;
const TAG = 16;
const MAX_PLAIN = 16 << 20;

export function makePackTable(opened: Pick<OpenedSnapshot, "manifest" | "ring">): PackTable {
  const { manifest, ring } = opened;
  const rows = manifest.packs.map((pack): PackRow => {
    const origin = manifest.origins[pack.origin];
    const salt = fromBase64url(pack.salt, 32);
    const commit = fromBase64url(pack.commit, 32);
    if (origin === undefined || salt === null || commit === null) throw lying(`pack ${pack.index} is malformed`);
    const object = names.pack(manifest.node, origin.snapshot, pack.index);
    return { origin: origin.snapshot, index: pack.index, size: pack.size, salt, commit, object };
  });
  const byOrigin = new Map<SnapshotId, Map<number, PackRow>>();
  for (const row of rows) {
    let packs = byOrigin.get(row.origin);
    if (packs === undefined) {
      packs = new Map();
      byOrigin.set(row.origin, packs);
    }
    if (packs.has(row.index)) throw lying(`${row.object} is listed twice`);
    packs.set(row.index, row);
  }
  const openings = new Map<PackRow, Promise<PackOpening>>();
  return {
    rows,
    find: (place) => {
      const row = byOrigin.get(place.origin)?.get(place.pack);
      if (row === undefined) throw lying(`a chunk lies in pack ${place.pack} of ${place.origin}, which is not listed`);
      assertInside(place, row);
      return row;
    },
    opening: (row) => {
      let opening = openings.get(row);
      if (opening === undefined) {
        opening = ring.packKey(row.origin, row.index).then(({ scope, key }) => ({
          object: row.object,
          index: row.index,
          scope,
          key,
          salt: row.salt,
          commit: row.commit,
        }));
        openings.set(row, opening);
      }
      return opening;
    },
  };
}

function assertInside({ offset, stored, plain }: ChunkPlace, row: PackRow): void {
  const fits = offset >= HEADER && stored > TAG && offset + stored <= row.size;
  if (fits && stored <= MAX_PLAIN + TAG && plain > 0 && plain <= MAX_PLAIN) return;
  throw lying(
    `a chunk of ${stored} bytes (${plain} plain) at ${offset} cannot lie in ${row.object} of ${row.size} bytes`,
  );
}

function lying(why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "the manifest contradicts itself",
    why,
    todo: "it was sealed by a faulty or hostile host: use another snapshot",
  });
}
