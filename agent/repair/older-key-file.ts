import { type NodeScope, readCommitted } from "../../keeper/index.ts";
import { fromBase64url, names, type SnapshotId } from "../../vault/names/index.ts";
import { openKeyFile } from "../../vault/sealed/index.ts";
import { isUnusable, MAX_KEY_FILE } from "../open/older-key-files.ts";
import type { RepairOptions } from "./types.ts";

/** Whoever can put versions can put many; no more of one key file are looked at. */
const MOST_VERSIONS = 1000;

/**
 * The newest version of a key file that a key at hand opens, whose list of slots is as it was written, and that fits the
 * card: what a restore would fall back to. Whoever was taken out since that version was written has a slot again.
 * @returns null where the store keeps none, or nothing tells what it has to be.
 */
export async function olderKeyFile(
  { store, identities }: RepairOptions,
  scope: NodeScope,
  snapshot: SnapshotId,
): Promise<{ readonly bytes: Uint8Array; readonly received: number } | null> {
  const core = (await readCommitted(store, scope, snapshot))?.core;
  const commit = core === undefined ? null : fromBase64url(core.commit, 32);
  if (core === undefined || commit === null || store.history === undefined) return null;
  const { vault, node, suite } = core;
  const name = names.keyJson(node, snapshot);
  for (const { version, receivedAt } of await store.history.versions(name, MOST_VERSIONS)) {
    const object = await store.history.get(name, version, { maxBytes: MAX_KEY_FILE }).catch(nullWhereUnusable);
    if (object === null) continue;
    const { bytes } = object;
    const opening = openKeyFile({ bytes, scope: { vault, node, snapshot, suite }, identities, commit });
    const opened = await opening.catch(nullWhereUnusable);
    opened?.sk.fill(0);
    if (opened?.macOk === true) return { bytes, received: receivedAt };
  }
  return null;
}

function nullWhereUnusable(error: unknown): null {
  if (isUnusable(error)) return null;
  throw error;
}
