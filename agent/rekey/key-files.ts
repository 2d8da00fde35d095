import { cardIds, listSnapshots } from "../../keeper/index.ts";
import type { SuiteName } from "../../vault/card/types.ts";
import {
  ColdkeepError,
  isColdkeepError,
  type NodeName,
  names,
  type SnapshotId,
  type VaultId,
} from "../../vault/names/index.ts";
import type { Lister, Reader } from "../../vault/store/facets.ts";
import { openSnapshot, readCard } from "../open/index.ts";
import type { RekeyOptions } from "./types.ts";

/** One key.json and what it must open to. */
export interface KeyFileRef {
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  readonly suite: SuiteName;
  /** base64url of key("commit"). */
  readonly commit: string;
}

/**
 * Every key.json that a node's snapshots need: their own, and those of runs that never became one and whose packs a later
 * snapshot took over. Of the latter only a manifest knows the commitment.
 */
export async function findKeyFiles(o: Parameters<typeof findSnapshots>[0]): Promise<SnapshotId[]> {
  const ids = new Set<SnapshotId>();
  for (const { snapshot, origins } of await findSnapshots(o)) for (const id of [snapshot, ...origins]) ids.add(id);
  return [...ids];
}

/** A snapshot, and whose packs it uses. */
interface Found {
  readonly snapshot: SnapshotId;
  readonly origins: readonly SnapshotId[];
}

/**
 * A node's snapshots, newest first: those that its index lists, but for broken ones, and those whose card is there and
 * which it does not list yet, as where a backup was killed in between. Who may not list objects sees the index alone.
 */
export async function findSnapshots(o: {
  readonly store: Reader & Lister;
  readonly vault?: VaultId;
  readonly node: NodeName;
}): Promise<Found[]> {
  const vault = o.vault === undefined ? {} : { vault: o.vault };
  const listed = new Set<SnapshotId>();
  const found: Found[] = [];
  let noIndex: unknown = null;
  try {
    for await (const entry of listSnapshots({ store: o.store, node: o.node, ...vault })) {
      listed.add(entry.snapshot);
      if (entry.state !== "broken") found.push(entry);
    }
  } catch (error) {
    if (!isColdkeepError(error, "not-found")) throw error;
    noIndex = error;
  }
  const unlisted = (await idsOfCards(o)).filter((id) => !listed.has(id));
  if (noIndex !== null && unlisted.length === 0) throw noIndex;
  for (const snapshot of unlisted.sort().reverse()) {
    const origins = await originsOf(o.store, { ...vault, node: o.node, snapshot });
    if (origins !== null) found.unshift({ snapshot, origins });
  }
  return found;
}

async function idsOfCards({ store, node }: { readonly store: Lister; readonly node: NodeName }): Promise<SnapshotId[]> {
  try {
    return await cardIds(store, node);
  } catch (error) {
    if (isColdkeepError(error, "permission")) return [];
    throw error;
  }
}

/** Null for a run that did not become a snapshot. A card that cannot be read is told where its key file is looked at. */
async function originsOf(
  store: Reader,
  o: { readonly vault?: VaultId; readonly node: NodeName; readonly snapshot: SnapshotId },
): Promise<readonly SnapshotId[] | null> {
  try {
    const { card } = await readCard(store, o);
    return card.core.origins.map(({ snapshot }) => snapshot);
  } catch (error) {
    if (isColdkeepError(error, "not-found")) return null;
    if (isColdkeepError(error, "integrity")) return [];
    throw error;
  }
}

/** The commitments of origins without a card of their own, by the manifests of those who use them. */
export async function orphanCommits(o: RekeyOptions): Promise<Map<SnapshotId, KeyFileRef>> {
  const found = new Map<SnapshotId, KeyFileRef>();
  const own = new Set<SnapshotId>();
  const wanted: Found[] = [];
  for (const one of await findSnapshots(o)) {
    own.add(one.snapshot);
    wanted.push(one);
  }
  for (const { snapshot, origins } of wanted) {
    if (origins.every((origin) => own.has(origin) || found.has(origin))) continue;
    const { manifest } = await openSnapshot({ ...o, snapshot });
    for (const { snapshot: origin, suite, commit } of manifest.origins) {
      if (!own.has(origin)) {
        found.set(origin, { vault: manifest.vault, node: o.node, snapshot: origin, suite, commit });
      }
    }
  }
  return found;
}

/** What a snapshot's card says of its key file. @throws ColdkeepError `integrity`, `not-found`. */
export async function cardRef(o: RekeyOptions, snapshot: SnapshotId) {
  const { card } = await readCard(o.store, { ...o, snapshot });
  const { vault, node, suite, commit } = card.core;
  return { card, ref: { vault, node, snapshot, suite, commit } satisfies KeyFileRef };
}

export function missing(snapshot: SnapshotId, node: NodeName): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "the key file is missing from the vault",
    on: names.keyJson(node, snapshot),
  });
}
