import { createHash } from "node:crypto";
import { isCommitted, parseCard, parsePackList, verifyCardSignature } from "../../vault/card/index.ts";
import type { Card, PackListRow, SuiteName } from "../../vault/card/types.ts";
import { fromBase64url, type NodeName, names, type SnapshotId, type VaultId } from "../../vault/names/index.ts";
import { verifyCardMac } from "../../vault/sealed/card-mac.ts";
import { chunkId } from "../../vault/sealed/chunk-id.ts";
import { deriveKeys } from "../../vault/sealed/derive.ts";
import { assertCardCovers, openManifest } from "../../vault/sealed/manifest.ts";
import { openObject } from "../../vault/sealed/object.ts";
import { comparePaths } from "../../vault/sealed/paths.ts";
import { parseSegment } from "../../vault/sealed/segment.ts";
import type {
  ChunkPlace,
  Identity,
  Manifest,
  ManifestEntry,
  Recipient,
  Slot,
  SnapshotKeys,
  SnapshotScope,
} from "../../vault/sealed/types.ts";
import type { Reader } from "../../vault/store/facets.ts";

/** A recipient and identity that keep snapshot keys in memory: what a test reads with, without stretching. */
export function memoryKeys(): Recipient & Identity & { readonly keys: Map<string, Uint8Array> } {
  const keys = new Map<string, Uint8Array>();
  return {
    type: "memory",
    keys,
    wrap: async (sk: Uint8Array, scope: SnapshotScope): Promise<Slot> => {
      keys.set(scope.snapshot, Uint8Array.from(sk));
      return { id: "0".repeat(16), type: "memory", kid: "test", added: 0 };
    },
    unwrap: async (_slot: Slot, scope: SnapshotScope) => {
      const found = keys.get(scope.snapshot);
      // Whoever asks overwrites what it got.
      return found === undefined ? null : Uint8Array.from(found);
    },
  };
}

export interface ReadEntry extends ManifestEntry {
  /** A file's whole content. */
  readonly content: Buffer;
}

export interface ReadSnapshot {
  readonly card: Card;
  readonly manifest: Manifest;
  readonly entries: readonly ReadEntry[];
  /** All packs the pack lists of this card name. */
  readonly rows: readonly PackListRow[];
}

interface ReadOptions {
  readonly store: Reader;
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  readonly suite?: SuiteName;
  readonly keys: ReadonlyMap<string, Uint8Array>;
  readonly pinnedKey: string;
}

/** Reads a whole snapshot back, in memory, checking whatever can be checked: for small trees. */
export async function readSnapshot(o: ReadOptions): Promise<ReadSnapshot> {
  const card = parseCard(await bytesOf(o.store, names.card(o.node, o.snapshot)), o);
  if (!isCommitted(card)) throw new Error(`${o.snapshot} is ${card.state}`);
  verifyCardSignature(card, o.pinnedKey);
  const own = keysOf(o, o.snapshot);
  verifyCardMac(card, own);
  const raw = await bytesOf(o.store, names.manifest(o.node, o.snapshot));
  assertDigest(raw, card.core.manifest.sha256, "manifest");
  const manifest = openManifest(raw, own);
  assertCardCovers(card.core, manifest);
  const rows = await readLists(o, card);
  const open = chunkReader(o, manifest, rows);
  const entries: ReadEntry[] = [];
  for (const segment of manifest.segments) {
    const bytes = await open(segment, fromBase64url(segment.id, 32), false);
    const before = entries.length;
    for (const entry of parseSegment(bytes)) {
      const last = entries.at(-1);
      if (last !== undefined && comparePaths(last.path, entry.path) >= 0) throw new Error("entries out of order");
      const parts: Uint8Array[] = [];
      for (const piece of entry.pieces) {
        parts.push("hole" in piece ? Buffer.alloc(piece.hole) : await open(piece, piece.id, entry.secret === true));
      }
      const content = Buffer.concat(parts);
      if (content.length !== entry.size) throw new Error(`${entry.size} bytes recorded, ${content.length} found`);
      entries.push({ ...entry, content });
    }
    if (entries.length - before !== segment.entries) throw new Error("a segment has another number of entries");
  }
  const { totals } = manifest;
  const files = entries.filter((e) => e.type === "file");
  const counted = { files: files.length, bytes: files.reduce((n, e) => n + e.size, 0), entries: entries.length };
  if (
    JSON.stringify(counted) !== JSON.stringify({ files: totals.files, bytes: totals.bytes, entries: totals.entries })
  ) {
    throw new Error(`totals ${JSON.stringify(totals)}, found ${JSON.stringify(counted)}`);
  }
  return { card, manifest, entries, rows };
}

async function readLists(o: ReadOptions, card: Card): Promise<PackListRow[]> {
  const rows: PackListRow[] = [];
  for (const list of card.core.pack_lists) {
    const bytes = await bytesOf(o.store, names.dataObject(o.node, o.snapshot, list.name));
    assertDigest(bytes, list.sha256, list.name);
    rows.push(...parsePackList(bytes, o).rows);
  }
  return rows;
}

function chunkReader(o: ReadOptions, manifest: Manifest, rows: readonly PackListRow[]) {
  const opened = new Map<string, ReturnType<typeof openObject>>();
  const chunkKey = fromBase64url(manifest.chunk_key, 32);
  if (chunkKey === null) throw new Error("no chunk key");
  return async (place: ChunkPlace, id: Uint8Array | null, secret: boolean): Promise<Uint8Array> => {
    const name = names.pack(o.node, place.origin, place.pack);
    let pack = opened.get(name);
    const origin = manifest.origins.findIndex((row) => row.snapshot === place.origin);
    const listed = manifest.packs.find((row) => row.origin === origin && row.index === place.pack);
    if (listed === undefined) throw new Error(`${name} is not in the manifest's table`);
    if (secret !== (listed.secret === true)) throw new Error(`${name}: secret and other chunks share a pack`);
    if (pack === undefined) {
      const bytes = await bytesOf(o.store, name);
      const row = rows.find((r) => r.origin === place.origin && r.index === place.pack);
      if (row !== undefined) assertDigest(bytes, row.sha256, name);
      if (bytes.length !== listed.size) throw new Error(`${name} has ${bytes.length} bytes, not ${listed.size}`);
      const keys = keysOf(o, place.origin);
      pack = openObject({
        scope: keys.scope,
        kind: "pack",
        index: place.pack,
        name: names.packName(place.pack),
        key: keys.pack,
        bytes,
      });
      opened.set(name, pack);
    }
    const row = pack.rows[place.frame];
    if (row?.offset !== place.offset || row.stored !== place.stored)
      throw new Error(`${name}: not where the entry says`);
    const plain = pack.frame(place.frame).bytes;
    const found = Buffer.from(chunkId(manifest.suite, chunkKey, plain, secret));
    if (id === null || !found.equals(id)) throw new Error(`${name}: frame ${place.frame} holds another chunk`);
    return plain;
  };
}

function keysOf(o: ReadOptions, snapshot: SnapshotId): SnapshotKeys {
  const sk = o.keys.get(snapshot);
  if (sk === undefined) throw new Error(`no key of ${snapshot}`);
  return deriveKeys(sk, { vault: o.vault, node: o.node, snapshot, suite: o.suite ?? "aes-256-gcm" });
}

async function bytesOf(store: Reader, name: string): Promise<Uint8Array> {
  const found = await store.get(name);
  if (found === null) throw new Error(`${name} is missing`);
  return found.bytes;
}

function assertDigest(bytes: Uint8Array, sha256: string, on: string): void {
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== sha256) throw new Error(`${on}: digest ${found}, not ${sha256}`);
}
