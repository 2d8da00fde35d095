import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { encodeBegin, encodeCard, encodeNodeJson, publicKeyOf, signCard, writerOf } from "../../vault/card/index.ts";
import type { Card, CardCore, Heights } from "../../vault/card/types.ts";
import {
  makeSnapshotId,
  makeVaultId,
  type NodeName,
  names,
  type SnapshotId,
  toBase64url,
  toHex,
  toNodeName,
  type VaultId,
} from "../../vault/names/index.ts";
import {
  cardMac,
  cardOrigins,
  chunkId,
  comparePaths,
  compress,
  deriveKeys,
  newSnapshotKey,
  ObjectSealer,
  packFits,
  SegmentWriter,
  sealManifest,
  sealPack,
  splitEntry,
  writeKeyFile,
} from "../../vault/sealed/index.ts";
import type {
  ChunkPlace,
  EntryPiece,
  EntryType,
  Manifest,
  ManifestEntry,
  ManifestPack,
  ManifestSegment,
  Recipient,
  SnapshotKeys,
  SnapshotScope,
} from "../../vault/sealed/types.ts";
import type { Creator } from "../../vault/store/facets.ts";
import { hashed } from "../../vault/store/hashed.ts";

/** One object of a made-up snapshot. Paths and targets are latin1 text, one character a byte. */
export interface Item {
  readonly path: string;
  readonly type?: EntryType;
  /** A file's content; a number is a hole of that length. */
  readonly content?: readonly (Uint8Array | string | number)[];
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: { readonly seconds: number; readonly nanoseconds: number };
  readonly target?: string;
  readonly xattrs?: ManifestEntry["xattrs"];
  readonly secret?: boolean;
}

/** What all snapshots of one made-up node share. */
export interface Node {
  readonly vault: VaultId;
  readonly name: NodeName;
  readonly signingKey: KeyObject;
  readonly chunkKey: Uint8Array;
}

export interface Built {
  readonly node: Node;
  readonly snapshot: SnapshotId;
  readonly keys: SnapshotKeys;
  readonly card: Card;
  readonly manifest: Manifest;
  /** Every chunk by id (base64url), own and taken over. */
  readonly chunks: ReadonlyMap<string, ChunkPlace>;
}

export interface BuildOptions {
  readonly store: Creator;
  readonly node: Node;
  readonly items: readonly Item[];
  readonly recipients: readonly Recipient[];
  /** Chunks of this one are not stored again. */
  readonly parent?: Built;
  readonly snapshot?: SnapshotId;
  readonly seq?: number;
  readonly heights?: Heights;
  readonly roots?: readonly string[];
  /** Bytes a chunk; default 1 MiB. */
  readonly chunkBytes?: number;
  /** Bytes a pack aims at, for many small ones. */
  readonly packBytes?: number;
  /** A faulty or hostile host's changes, made before sealing. */
  readonly edit?: {
    readonly segment?: (text: string) => string;
    readonly manifest?: (manifest: Manifest) => Manifest;
    readonly core?: (core: CardCore) => CardCore;
  };
  /** Leaves node.json and the begin object out. */
  readonly bare?: boolean;
}

export function makeNode(name = "node-1"): Node {
  return {
    vault: makeVaultId(randomBytes(16)),
    name: toNodeName(name),
    signingKey: generateKeyPairSync("ed25519").privateKey,
    chunkKey: randomBytes(32),
  };
}

/** Builds and commits one snapshot with the format's own functions, in the order a backup would. */
export async function buildSnapshot(o: BuildOptions): Promise<Built> {
  const { node, store } = o;
  const snapshot = o.snapshot ?? makeSnapshotId(Date.UTC(2026, 0, 15), randomBytes(8));
  const scope: SnapshotScope = { vault: node.vault, node: node.name, snapshot, suite: "aes-256-gcm" };
  const sk = newSnapshotKey();
  const keys = deriveKeys(sk, scope);
  const put = async (name: string, bytes: Uint8Array) => {
    const outcome = await store.create(name, hashed(bytes));
    if (!outcome.created && !outcome.same) throw new Error(`${name} is taken`);
  };
  if (o.bare !== true) {
    const key = publicKeyOf(node.signingKey);
    const { vault, name } = node;
    await put(
      names.nodeJson(name),
      encodeNodeJson({ format: 1, vault, node: name, profile: "files", key, created: 0 }),
    );
    await put(
      names.begin(name, snapshot),
      encodeBegin({ format: 1, vault, node: name, snapshot, writer: writerOf(key), adopts: [] }),
    );
  }
  await put(names.keyJson(node.name, snapshot), await writeKeyFile({ scope, sk, recipients: o.recipients, now: 0 }));

  const packs = makePackWriter(o, scope, keys, put);
  const entries: ManifestEntry[] = [];
  for (const item of [...o.items].sort((a, b) => comparePaths(latin1(a.path), latin1(b.path)))) {
    const pieces: EntryPiece[] = [];
    for (const part of item.content ?? []) {
      if (typeof part === "number") {
        pieces.push({ hole: part });
        continue;
      }
      const bytes = typeof part === "string" ? Buffer.from(part) : part;
      const step = o.chunkBytes ?? 1 << 20;
      for (let at = 0; at < bytes.length; at += step) {
        pieces.push(await packs.add(bytes.subarray(at, at + step), item.secret === true));
      }
    }
    entries.push(...splitEntry(toEntry(item, pieces)));
  }
  await packs.close();

  const segments: ManifestSegment[] = [];
  let writer = new SegmentWriter();
  const cut = async () => {
    const text = Buffer.from(writer.finish()).toString("utf8");
    const bytes = Buffer.from(o.edit?.segment?.(text) ?? text, "utf8");
    const { id, ...place } = await packs.add(bytes, false);
    segments.push({ ...place, id: toBase64url(id), entries: bytes.toString("utf8").split("\n").length - 2 });
    writer = new SegmentWriter();
  };
  for (const entry of entries) {
    writer.add(entry);
    if (writer.ends) await cut();
  }
  if (writer.entries > 0) await cut();
  await packs.close();

  const whole = entries.filter(({ from }) => from === undefined);
  const totals = {
    files: whole.filter(({ type }) => type === "file").length,
    bytes: whole.reduce((sum, { size }) => sum + size, 0),
    entries: whole.length,
  };
  const { origins, table } = packs.tables();
  const roots = o.roots ?? [...new Set(o.items.map(({ path }) => path.split("/")[0] ?? ""))];
  const plain: Manifest = {
    format: 1,
    vault: node.vault,
    node: node.name,
    snapshot,
    suite: "aes-256-gcm",
    captured: Date.UTC(2026, 0, 15),
    profile: "files",
    ...(o.heights === undefined ? {} : { heights: o.heights }),
    tags: [],
    roots: roots.map((name) => ({ name, path: `/srv/${name}` })),
    chunk_key: toBase64url(node.chunkKey),
    origins,
    packs: table,
    segments,
    totals,
    omitted: [],
  };
  const manifest = o.edit?.manifest?.(plain) ?? plain;
  const sealed = sealManifest(manifest, keys);
  await put(names.manifest(node.name, snapshot), sealed.bytes);
  const core: CardCore = {
    format: 1,
    state: "committed",
    vault: node.vault,
    node: node.name,
    snapshot,
    suite: "aes-256-gcm",
    commit: toBase64url(keys.commit),
    seq: o.seq ?? 1,
    ...(o.parent === undefined ? {} : { parent: o.parent.snapshot }),
    started: Date.UTC(2026, 0, 15),
    captured: Date.UTC(2026, 0, 15),
    profile: "files",
    ...(o.heights === undefined ? {} : { heights: o.heights }),
    tags: [],
    bytes: { total: totals.bytes, added: totals.bytes, stored: 0, files: totals.files },
    manifest: { size: sealed.bytes.length, sha256: toHex(sealed.sha256) },
    pack_lists: [],
    origins: cardOrigins(manifest),
  };
  const edited = o.edit?.core?.(core) ?? core;
  const card = signCard(edited, cardMac(edited, keys), node.signingKey);
  await put(names.card(node.name, snapshot), encodeCard(card));
  return { node, snapshot, keys, card, manifest, chunks: packs.chunks };
}

function makePackWriter(
  o: BuildOptions,
  scope: SnapshotScope,
  keys: SnapshotKeys,
  put: (name: string, bytes: Uint8Array) => Promise<void>,
) {
  const { snapshot } = scope;
  const chunks = new Map<string, ChunkPlace>(o.parent?.chunks ?? []);
  const own: Omit<ManifestPack, "origin">[] = [];
  const usedPacks = new Set<string>();
  let index = -1;
  let secretPack = false;
  let sealer: ObjectSealer | null = null;

  const close = async () => {
    if (sealer === null) return;
    const pack = sealPack(sealer, index, secretPack);
    sealer = null;
    await put(names.pack(scope.node, snapshot, index), pack.bytes);
    const { bytes, salt, commit } = pack;
    const row = { index, size: bytes.length, salt: toBase64url(salt), commit: toBase64url(commit) };
    own.push(secretPack ? { ...row, secret: true } : row);
  };
  return {
    chunks,
    close,
    add: async (plain: Uint8Array, secret: boolean): Promise<ChunkPlace & { id: Uint8Array }> => {
      const id = chunkId(scope.suite, o.node.chunkKey, plain, secret);
      const known = chunks.get(toBase64url(id));
      if (known !== undefined) {
        usedPacks.add(`${known.origin} ${known.pack}`);
        return { ...known, id };
      }
      const { codec, bytes } = compress(plain);
      const fits = sealer !== null && packFits(sealer, bytes.length) && sealer.size < (o.packBytes ?? Infinity);
      if (!fits || secretPack !== secret) await close();
      if (sealer === null) {
        index += 1;
        secretPack = secret;
        sealer = new ObjectSealer({ scope, kind: "pack", index, name: names.packName(index), key: keys.pack });
      }
      const place: ChunkPlace = { ...sealer.add(bytes, codec, plain.length), origin: snapshot, pack: index };
      chunks.set(toBase64url(id), place);
      return { ...place, id };
    },
    tables: () => {
      const origins = [{ snapshot, suite: scope.suite, commit: toBase64url(keys.commit) }];
      const table: ManifestPack[] = own.map((row) => ({ origin: 0, ...row }));
      const parent = o.parent?.manifest;
      for (const row of parent?.packs ?? []) {
        const origin = parent?.origins[row.origin];
        if (origin === undefined || !usedPacks.has(`${origin.snapshot} ${row.index}`)) continue;
        let number = origins.findIndex(({ snapshot: known }) => known === origin.snapshot);
        if (number < 0) number = origins.push(origin) - 1;
        table.push({ ...row, origin: number });
      }
      return { origins, table };
    },
  };
}

function toEntry(item: Item, pieces: readonly EntryPiece[]): ManifestEntry {
  const type = item.type ?? (item.content === undefined ? "directory" : "file");
  return {
    path: latin1(item.path),
    type,
    mode: item.mode ?? (type === "directory" ? 0o755 : 0o644),
    uid: item.uid ?? process.getuid?.() ?? 0,
    gid: item.gid ?? process.getgid?.() ?? 0,
    mtime: item.mtime ?? { seconds: 1_700_000_000, nanoseconds: 123_456_789 },
    size: pieces.reduce((sum, piece) => sum + ("hole" in piece ? piece.hole : piece.plain), 0),
    pieces,
    ...(item.target === undefined ? {} : { target: latin1(item.target) }),
    ...(item.xattrs === undefined ? {} : { xattrs: item.xattrs }),
    ...(item.secret === true ? { secret: true } : {}),
  };
}

function latin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}
