import { assertSum } from "../../vault/card/index.ts";
import type { CardCore } from "../../vault/card/types.ts";
import { ColdkeepError, names, type SnapshotId } from "../../vault/names/index.ts";
import { assertCardCovers, openManifest, verifyCardMac } from "../../vault/sealed/index.ts";
import type { Manifest, SnapshotKeys } from "../../vault/sealed/types.ts";
import type { Reader } from "../../vault/store/facets.ts";
import { advised } from "./advise.ts";
import { counting } from "./counting.ts";
import { type KeyFileRequest, makeKeyRing, openKeys } from "./key-ring.ts";
import { readCard } from "./read-card.ts";
import { receivedAtOf } from "./received-at.ts";
import type { OpenedSnapshot, OpenOptions } from "./types.ts";

const MAX_MANIFEST = 1 << 30;

/**
 * Reads a snapshot's card, key file and manifest, each proven by the one before it: signature → key slots → commitment
 * → MAC → size and SHA-256 of the manifest → its frames → the card covers what the manifest uses.
 * @throws ColdkeepError `not-found`, `key`, `integrity`, `refused` (nothing proves who made it), or what the store throws.
 */
export async function openSnapshot(o: OpenOptions): Promise<OpenedSnapshot> {
  const { store, traffic } = counting(o.store);
  const cardName = names.card(o.node, o.snapshot);
  const { card, origin, signer } = await advised(cardName, () => readCard(store, o));
  const { core } = card;
  const openRequest = (request: KeyFileRequest) =>
    advised(names.keyJson(request.node, request.snapshot), () => openKeys(store, request, o));
  const { keys, provesSender, openedBy, notes } = await openRequest(core);
  for (const note of notes) o.progress.warn(note);
  if (!provesSender && origin === "not verified") throw unprovenSender(o.snapshot, signer);
  await advised(cardName, () => verifyCardMac(card, keys));
  const manifest = await advised(names.manifest(o.node, o.snapshot), () => readManifest(store, core, keys));
  await advised(cardName, () => assertCardCovers(core, manifest));
  const receivedAt = await receivedAtOf(store, core);
  const ring = makeKeyRing(keys, findOrigin(core, manifest), async (request) => (await openRequest(request)).keys);
  return {
    store,
    traffic,
    card,
    keys,
    openedBy,
    manifest,
    ring,
    origin,
    signer,
    receivedAt,
  };
}

async function readManifest(store: Reader, core: CardCore, keys: SnapshotKeys): Promise<Manifest> {
  const name = names.manifest(core.node, core.snapshot);
  const object = await store.get(name, { maxBytes: MAX_MANIFEST });
  if (object === null) throw damaged(name, "it is missing from the vault");
  assertSum(object.bytes, core.manifest, name);
  return openManifest(object.bytes, keys);
}

function findOrigin(core: CardCore, manifest: Manifest): (origin: SnapshotId) => KeyFileRequest {
  const origins = new Map(manifest.origins.map((row) => [row.snapshot, row]));
  return (origin) => {
    const row = origins.get(origin);
    if (row === undefined) {
      throw damaged(names.manifest(core.node, core.snapshot), `it uses packs of ${origin}, which it does not list`);
    }
    return { vault: core.vault, node: core.node, snapshot: origin, suite: row.suite, commit: row.commit };
  };
}

function damaged(on: string, why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "the manifest cannot be used",
    on,
    why,
  });
}

function unprovenSender(snapshot: SnapshotId, signer: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "nothing proves which host made this snapshot",
    on: snapshot,
    why: "its key was wrapped to a public key, which anybody can do, and its card's key is not pinned",
    todo: `if the fingerprint is your host's, go on with --trust-card-key ${signer}`,
  });
}
