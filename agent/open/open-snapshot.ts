import { assertSum } from "../../vault/card/index.ts";
import type { Card, CardCore } from "../../vault/card/types.ts";
import { ColdkeepError, fromBase64url, isColdkeepError, names, type SnapshotId } from "../../vault/names/index.ts";
import { assertCardCovers, type ManifestKeys, openManifest, verifyCardMac } from "../../vault/sealed/index.ts";
import type { Manifest } from "../../vault/sealed/types.ts";
import type { Historian, Reader } from "../../vault/store/facets.ts";
import { advised } from "./advise.ts";
import { counting } from "./counting.ts";
import { firstVersions } from "./first-versions.ts";
import { type KeyFileRequest, makeKeyRing, openKeys } from "./key-ring.ts";
import { readShare } from "./open-shared.ts";
import { type ReadCard, readCard } from "./read-card.ts";
import { receivedAtOf } from "./received-at.ts";
import type { OpenedSnapshot, OpenOptions } from "./types.ts";

const MAX_MANIFEST = 1 << 30;

/**
 * Reads a snapshot's card, key file and manifest, each proven by the one before it: signature → key slots → commitment
 * → MAC → size and SHA-256 of the manifest → its frames → the card covers what the manifest uses. With a share: signature →
 * share → digest of the card → manifest, and on.
 * @throws ColdkeepError `not-found`, `key`, `integrity`, `refused` (nothing proves who made it), or what the store throws.
 */
export async function openSnapshot(o: OpenOptions): Promise<OpenedSnapshot> {
  const { store: counted, traffic } = counting(o.store);
  const cardName = names.card(o.node, o.snapshot);
  const { card, origin, signer } = await advised(cardName, () => readCardOrFirst(counted, o));
  const { core } = card;
  const store = o.olderVersions === true ? await firstVersions(counted, core, o.progress) : counted;
  const unlock = o.share === undefined ? unlockByKeys : unlockByShare;
  const unlocked = await unlock({ ...o, store }, card, origin, signer);
  await advised(cardName, () => assertCardCovers(core, unlocked.manifest));
  const receivedAt = await receivedAtOf(store, core);
  return { store, traffic, card, ...unlocked, origin, signer, receivedAt };
}

/** The card; or, where what lies there is none of this node's, the first that was put under its name. */
async function readCardOrFirst(store: Reader & Historian, o: OpenOptions): Promise<ReadCard> {
  const name = names.card(o.node, o.snapshot);
  try {
    return await readCard(store, o);
  } catch (error) {
    const { history } = store;
    if (o.olderVersions !== true || history === undefined || !isColdkeepError(error, "integrity")) throw error;
    const version = (await history.overwritten(name)).get(name);
    if (version === undefined) throw error;
    const first = { ...store, get: pinned(store, name, (most) => history.get(name, version, { maxBytes: most })) };
    const read = await readCard(first, o);
    o.progress.warn(`${name} had something put over what the host put (${error.what}); the first version is read`);
    return read;
  }
}

function pinned(store: Reader, name: string, read: (most: number) => ReturnType<Reader["get"]>): Reader["get"] {
  return (asked, options) => (asked === name ? read(options?.maxBytes ?? MAX_MANIFEST) : store.get(asked, options));
}

type Unlocked = Pick<OpenedSnapshot, "keys" | "openedBy" | "manifest" | "ring" | "withoutSecrets">;
type Unlock = (o: OpenOptions, card: Card, origin: OpenedSnapshot["origin"], signer: string) => Promise<Unlocked>;

const unlockByKeys: Unlock = async (o, card, origin, signer) => {
  const { store } = o;
  const { core } = card;
  const openRequest = (request: KeyFileRequest) =>
    advised(names.keyJson(request.node, request.snapshot), () => openKeys(store, request, o));
  const { keys, provesSender, openedBy, notes } = await openRequest(core);
  for (const note of notes) o.progress.warn(note);
  if (!provesSender && origin === "not verified") throw unprovenSender(o.snapshot, signer);
  await advised(names.card(o.node, o.snapshot), () => verifyCardMac(card, keys));
  const manifest = await advised(names.manifest(o.node, o.snapshot), () => readManifest(store, core, keys));
  const ring = makeKeyRing(keys, findOrigin(core, manifest), async (request) => (await openRequest(request)).keys);
  return { keys, openedBy, manifest, ring, withoutSecrets: false };
};

const unlockByShare: Unlock = async (o, card) => {
  const { store, share } = o;
  const { core } = card;
  if (share === undefined) throw new ColdkeepError("internal", { what: "there is no share to open with" });
  const { content, ring } = await advised(names.share(o.node, share.tid), () => readShare(store, card, share));
  const os = fromBase64url(content.manifest, 32);
  const commit = fromBase64url(core.commit, 32);
  if (os === null || commit === null) throw damaged(names.share(o.node, share.tid), "its keys are malformed");
  const { vault, node, snapshot, suite } = core;
  const keys = { scope: { vault, node, snapshot, suite }, manifest: { os }, commit };
  const manifest = await advised(names.manifest(o.node, o.snapshot), () => readManifest(store, core, keys));
  return { keys: null, openedBy: `share ${share.tid}`, manifest, ring, withoutSecrets: content.without_secrets };
};

async function readManifest(store: Reader, core: CardCore, keys: ManifestKeys): Promise<Manifest> {
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
