import { listSnapshots } from "../../keeper/index.ts";
import type { SuiteName } from "../../vault/card/types.ts";
import { ColdkeepError, type NodeName, names, type SnapshotId, type VaultId } from "../../vault/names/index.ts";
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
export async function findKeyFiles(o: RekeyOptions): Promise<SnapshotId[]> {
  const ids = new Set<SnapshotId>();
  const vault = o.vault === undefined ? {} : { vault: o.vault };
  for await (const entry of listSnapshots({ store: o.store, node: o.node, ...vault })) {
    if (entry.state === "broken") continue;
    ids.add(entry.snapshot);
    for (const origin of entry.origins) ids.add(origin);
  }
  return [...ids];
}

/** The commitments of origins without a card of their own, by the manifests of those who use them. */
export async function orphanCommits(o: RekeyOptions): Promise<Map<SnapshotId, KeyFileRef>> {
  const found = new Map<SnapshotId, KeyFileRef>();
  const own = new Set<SnapshotId>();
  const wanted: { readonly snapshot: SnapshotId; readonly origins: readonly SnapshotId[] }[] = [];
  const vault = o.vault === undefined ? {} : { vault: o.vault };
  for await (const entry of listSnapshots({ store: o.store, node: o.node, ...vault })) {
    if (entry.state === "broken") continue;
    own.add(entry.snapshot);
    wanted.push(entry);
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
