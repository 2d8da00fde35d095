import { names, type SnapshotId } from "../vault/names/index.ts";
import type { Reader } from "../vault/store/facets.ts";
import type { NodeScope } from "./read.ts";
import { readFate } from "./retain/grace.ts";
import { lastRound } from "./rounds.ts";

/** No snapshot is expired and rescued this often; the bound ends a walk over planted markers. */
const MAX_MARKERS = 1000;

/**
 * When a snapshot's grace began (receipt of its newest expired marker, ms since the epoch), or null where it has none
 * or was rescued since.
 * @throws ColdkeepError `integrity` for a fate that cannot be read.
 */
export async function expiredAt(store: Reader, scope: NodeScope, id: SnapshotId): Promise<number | null> {
  return (await expiryOf(store, scope, id))?.since ?? null;
}

/** The same, and whether its deletion has been decided. @throws as `expiredAt`. */
export async function expiryOf(
  store: Reader,
  scope: NodeScope,
  id: SnapshotId,
): Promise<{ readonly since: number; readonly collecting: boolean } | null> {
  const { round, info } = await lastRound(store, (n) => names.expired(scope.node, id, n), MAX_MARKERS);
  if (info === null) return null;
  const fate = await readFate(store, scope, id, round);
  return fate === "rescued" ? null : { since: info.receivedAt, collecting: fate === "collect" };
}

/** Whether the collector has said that a snapshot goes, or is done with it. @throws as `expiredAt`. */
export async function isGoing(store: Reader, scope: NodeScope, id: SnapshotId): Promise<boolean> {
  if ((await expiryOf(store, scope, id))?.collecting === true) return true;
  // Its last word goes last: without it, what is there tells.
  const there = await Promise.all([names.card, names.begin].map((name) => store.head(name(scope.node, id))));
  return there.includes(null);
}
