import { parsePin } from "../../vault/card/index.ts";
import type { SnapshotId } from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import { type NodeScope, readObject } from "../read.ts";
import type { Scan } from "../retain/scan.ts";
import { MAX_BYTES, MAX_PIN } from "../rules.ts";

/** Pins of running restores: by name, the time each ends, by the store's clock. */
export async function readPins(store: Reader, scope: NodeScope, scan: Scan): Promise<ReadonlyMap<string, number>> {
  const ends = new Map<string, number>();
  for (const [snapshot, pins] of scan.pins) {
    for (const [name, { receivedAt }] of pins) {
      const expected = { vault: scope.vault, node: scope.node, snapshot };
      const read = await readObject(store, name, MAX_BYTES.marker, (bytes) => parsePin(bytes, expected, name));
      // One that cannot be read holds as long as any may; no pin holds longer, whatever it claims.
      const longest = receivedAt + MAX_PIN;
      ends.set(name, read.found === "it" ? Math.min(read.value.until, longest) : longest);
    }
  }
  return ends;
}

/** Snapshots that a running restore needs. */
export function pinnedAt(
  scan: Pick<Scan, "pins">,
  ends: ReadonlyMap<string, number>,
  now: number,
): ReadonlySet<SnapshotId> {
  const pinned = [...scan.pins].filter(([, pins]) => [...pins.keys()].some((name) => (ends.get(name) ?? 0) > now));
  return new Set(pinned.map(([id]) => id));
}
