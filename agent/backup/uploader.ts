import { type NodeName, names, type SnapshotId, toBase64url, toHex } from "../../vault/names/index.ts";
import type { SealedPack } from "../../vault/sealed/types.ts";
import { alreadyHashed, type HashedBytes, hashed } from "../../vault/store/index.ts";
import { encodeRows } from "./chunk-rows.ts";
import type { ChunkTable } from "./chunk-table.ts";
import type { Journal } from "./journal.ts";
import type { UploadPace } from "./pace.ts";
import { foreignObject } from "./put.ts";
import type { VaultSet } from "./vault-set.ts";

/** Puts the objects of one run below `<node>/data/<id>/`, each noted before and after in the run's journal. */
export interface Uploader {
  /** Takes sealed packs only, so that no plaintext can ever be put. */
  pack(pack: SealedPack, rows: Uint32Array, table: ChunkTable): Promise<void>;
  /** Key file, pack lists, manifest: `name` is the short name inside the data folder. */
  object(name: string, bytes: Uint8Array): Promise<{ readonly size: number; readonly sha256: string }>;
  readonly figures: { readonly stored: number; readonly packs: number };
}

export interface UploaderOptions {
  readonly vaults: VaultSet;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  readonly journal: Journal;
  readonly signal: AbortSignal;
  readonly pace: UploadPace;
  /** Throws where the run has lasted too long to be committed: nothing more need be put then. */
  readonly assertInTime: () => void;
}

export function makeUploader(o: UploaderOptions): Uploader {
  const figures = { stored: 0, packs: 0 };
  let missed = 0;
  async function put(name: string, body: HashedBytes): Promise<void> {
    // Here and not within each vault's put, where a run that ends would look like a vault that fails.
    await o.pace.take(body.bytes.length * o.vaults.live.length);
    o.assertInTime();
    const full = names.dataObject(o.node, o.snapshot, name);
    const outcome = await o.vaults.put(full, body, { signal: o.signal, mayRepeat: o.pace.take });
    if (!outcome.put) throw foreignObject(full);
    // Before the receipt, which would otherwise speak for a vault that has not got it.
    for (const lost of o.vaults.lost.slice(missed)) o.journal.missed(lost.name);
    missed = o.vaults.lost.length;
    o.journal.receipt(name);
    figures.stored += body.bytes.length;
  }
  return {
    figures,
    pack: async ({ index, bytes, sha256, salt, commit, secret }, rows, table) => {
      const name = names.packName(index);
      const note = { index, salt: toBase64url(salt), commit: toBase64url(commit), secret };
      await o.journal.intent({ name, size: bytes.length, sha256: toHex(sha256) }, note, encodeRows(rows, table));
      await put(name, alreadyHashed(bytes, sha256));
      figures.packs += 1;
    },
    object: async (name, bytes) => {
      const body = hashed(bytes);
      const sum = { size: bytes.length, sha256: toHex(body.sha256) };
      await o.journal.intent({ name, ...sum });
      await put(name, body);
      return sum;
    },
  };
}
