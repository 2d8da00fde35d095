import { randomBytes } from "node:crypto";
import { encodeCard, sumOf } from "../../vault/card/index.ts";
import { ColdkeepError, fromBase64url, names, type SnapshotId, toBase64url } from "../../vault/names/index.ts";
import { objectSecret, sealShare } from "../../vault/sealed/index.ts";
import { type OpenedSnapshot, type OpenOptions, openSnapshot } from "../open/index.ts";

export interface ShareOptions extends OpenOptions {
  /** The id of its ticket, which the object is named and bound by. */
  readonly tid: string;
  readonly includeSecrets: boolean;
}

/** A share's two halves: the object for the vault, and the key that opens it, for the token. */
export interface MadeShare {
  /** Name of the object, and its sealed bytes. */
  readonly object: string;
  readonly bytes: Uint8Array;
  /** 32 bytes; in the token alone. */
  readonly key: Uint8Array;
  readonly snapshot: SnapshotId;
  /** What it gives away. */
  readonly gives: ShareGives;
}

export interface ShareGives {
  readonly files: number;
  readonly bytes: number;
  /** Packs it opens, whole, and their sealed bytes: also of what lies in them beside this snapshot. */
  readonly packs: number;
  readonly sealed: number;
  /** Packs of secret files that it leaves out. */
  readonly leftOut: number;
  /** Other snapshots that wrote packs it opens. */
  readonly origins: readonly SnapshotId[];
}

/**
 * Makes the object of a share: what opens the snapshot's manifest and each of its packs, and nothing else of the node.
 * @throws ColdkeepError as `openSnapshot`.
 */
export async function makeShare(o: ShareOptions): Promise<MadeShare> {
  const opened = await openSnapshot(o);
  const { card, keys, manifest } = opened;
  if (keys === null) throw new ColdkeepError("internal", { what: "a share was opened by a share" });
  const origins = manifest.origins.map(({ snapshot }) => snapshot);
  const chosen = manifest.packs.filter(({ secret }) => o.includeSecrets || secret !== true);
  const packs: (readonly [number, number, string])[] = [];
  for (const { origin, index, salt } of chosen) {
    const id = origins[origin];
    const bytes = fromBase64url(salt, 32);
    if (id === undefined || bytes === null) throw malformed(names.manifest(o.node, o.snapshot));
    const { scope, key } = await opened.ring.packKey(id, index);
    if (!(key instanceof Uint8Array)) throw malformed(names.manifest(o.node, o.snapshot));
    packs.push([origin, index, toBase64url(objectSecret(scope, key, bytes))]);
  }
  const salt = await manifestSalt(opened.store, o);
  const key = new Uint8Array(randomBytes(32));
  const leftOut = manifest.packs.length - chosen.length;
  const bytes = sealShare(
    {
      format: 1,
      card_sha256: sumOf(encodeCard(card)).sha256,
      manifest: toBase64url(objectSecret(keys.scope, keys.manifest, salt)),
      origins,
      packs,
      without_secrets: leftOut > 0,
    },
    { scope: keys.scope, tid: o.tid, key },
  );
  const used = new Set(chosen.map(({ origin }) => origins[origin]));
  return {
    object: names.share(o.node, o.tid),
    bytes,
    key,
    snapshot: o.snapshot,
    gives: {
      files: manifest.totals.files,
      bytes: manifest.totals.bytes,
      packs: chosen.length,
      sealed: chosen.reduce((sum, { size }) => sum + size, 0),
      leftOut,
      origins: origins.filter((id) => id !== o.snapshot && used.has(id)),
    },
  };
}

/** docs/FORMAT.md, "Sealed objects": the salt stands in the header at 32. */
async function manifestSalt(store: OpenedSnapshot["store"], o: OpenOptions): Promise<Uint8Array> {
  const name = names.manifest(o.node, o.snapshot);
  const salt = await store.getRange(name, 32, 32);
  if (salt === null) throw malformed(name);
  return salt;
}

function malformed(on: string): ColdkeepError {
  return new ColdkeepError("integrity", { what: "the manifest cannot be used", on, todo: "use another snapshot" });
}
