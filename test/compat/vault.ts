import { createHash, createPrivateKey } from "node:crypto";
import {
  canonicalBytes,
  type Begin,
  type Card,
  encodeBackupList,
  encodeBegin,
  encodeCard,
  encodeHead,
  encodeNodeJson,
  encodePackList,
  encodeVaultJson,
  type IndexEntry,
  publicKeyOf,
  type SuiteName,
  signCard,
  signClosingCard,
  sumOf,
  writerOf,
} from "../../vault/card/index.ts";
import {
  fromBase64url,
  makeSnapshotId,
  makeVaultId,
  names,
  type SnapshotId,
  toBase64url,
  toNodeName,
} from "../../vault/names/index.ts";
import type { Compressor } from "../../vault/sealed/codec.ts";
import {
  cardMac,
  cardOrigins,
  chunkId,
  comparePaths,
  deriveKeys,
  type EntryPiece,
  keyRecipient,
  type Manifest,
  type ManifestEntry,
  type ManifestPack,
  newSnapshotKey,
  ObjectSealer,
  objectSecret,
  openManifest,
  type Recipient,
  type SealedPack,
  type RandomSource,
  SegmentWriter,
  type SnapshotKeys,
  type Stretch,
  sealManifest,
  sealPack,
  sealShare,
  writeKeyFile,
} from "../../vault/sealed/index.ts";
import { encodeIssued, encodeRevoked, localTicketMac, type Ticket, writeTicket } from "../../vault/ticket/index.ts";
import { seededRandom } from "../support/random.ts";
import { type CompatFile, dayOneFiles, dayTwoFiles } from "./tree.ts";

/**
 * One small vault, byte for byte the same in every run: two snapshots, the second on top of the first and of a run that
 * died in between. It is kept in test/compat/v1, its twin of SM4 in test/compat/v1-sm4, and every later version must
 * read both.
 */

/** Where it lies for each suite. The two hold the same files under the same names, and nothing else alike. */
export const COMPAT_FOLDERS = { "aes-256-gcm": "v1", "sm4-gcm": "v1-sm4" } as const;

/** The software key that opens it, and the id of its archive. */
export const COMPAT_KEY = "compat-key-0001!";
export const COMPAT_NODE = toNodeName("compat");
export const COMPAT_VAULT = makeVaultId(new Uint8Array(16).fill(0xc0));

const CHUNK = 1024 * 1024;
const chunkKey = seededRandom("chunk key")(32);
// PKCS #8 prefix of an Ed25519 key (RFC 8410 section 7), then its seed.
const signingKey = createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seededRandom("signing key")(32)]),
  format: "der",
  type: "pkcs8",
});
/** The public half, as a host would have it pinned. */
export const COMPAT_PIN = publicKeyOf(signingKey);
const writer = writerOf(COMPAT_PIN);

const day = (n: number) => Date.UTC(2026, 0, n);
const idOf = (n: number, height: number) => makeSnapshotId(day(n), seededRandom(`id ${n}`)(8), height);
export const FIRST = idOf(1, 1000);
const DEAD = idOf(2, 1500);
export const SECOND = idOf(3, 2000);

/** The least stretching that readers take, and a salt of its own. */
function stretchFor(suite: SuiteName): Stretch {
  const salt = toBase64url(seededRandom("stretch")(32));
  if (suite === "sm4-gcm") return { kdf: "pbkdf2-sm3", salt, iterations: 100_000 };
  return { kdf: "scrypt", salt, n: 2 ** 14, r: 8, p: 1 };
}

function recipientsFor(suite: SuiteName, random: RandomSource): readonly Recipient[] {
  return [
    // What a version yet to come may have put there: skipped by this one.
    { type: "future", wrap: async () => ({ id: "f", type: "future", kid: "?", added: 0, nested: { list: [1, true] } }) },
    keyRecipient({ source: Buffer.from(COMPAT_KEY), stretch: stretchFor(suite), random }),
  ];
}

const ticketKey = seededRandom("ticket key")(32);
const tid = toBase64url(seededRandom("ticket id")(16));
const shareKeyOf = (suite: SuiteName) => Uint8Array.from(seededRandom(`share key ${suite}`)(32));

/** Of whoever made the vault's one share: a file of it lets `coldkeep serve` take its ticket. */
export const COMPAT_TICKET_KEY = toBase64url(ticketKey);

const SHARE_TICKET: Ticket = {
  v: 1,
  tid,
  vault: COMPAT_VAULT,
  node: COMPAT_NODE,
  snapshot: SECOND,
  iat: day(4) / 1000,
  // As long as anybody will read this vault.
  exp: Date.UTC(2200, 0, 1) / 1000,
  kind: "share",
  card_key: COMPAT_PIN,
};

/** What the holder of the share was given: the second snapshot, without its secret files. */
export async function compatShareToken(suite: SuiteName): Promise<string> {
  const ticket = await writeTicket(SHARE_TICKET, localTicketMac(ticketKey));
  return `ckshare1.${ticket}.${toBase64url(shareKeyOf(suite))}`;
}

interface Run {
  readonly id: SnapshotId;
  readonly keys: SnapshotKeys;
  readonly keyFile: Uint8Array;
  readonly packs: { readonly sealed: SealedPack; readonly size: number }[];
}

/** All objects of the vault by name. `compress` must give the same bytes each time, whatever zstd does. */
export async function makeCompatVault(compress: Compressor, suite: SuiteName): Promise<Map<string, Uint8Array>> {
  const random = seededRandom(`coldkeep compat ${COMPAT_FOLDERS[suite]}`);
  const recipients = recipientsFor(suite, random);
  const objects = new Map<string, Uint8Array>();
  const known = new Map<string, Exclude<EntryPiece, { hole: number }>>();

  async function beginRun(id: SnapshotId, begin: Pick<Begin, "parent" | "adopts">): Promise<Run> {
    const scope = { vault: COMPAT_VAULT, node: COMPAT_NODE, snapshot: id, suite } as const;
    const sk = newSnapshotKey(random);
    const keyFile = await writeKeyFile({ scope, sk, recipients, now: day(1) });
    const head = { format: 1, vault: COMPAT_VAULT, node: COMPAT_NODE, snapshot: id, writer } as const;
    objects.set(names.begin(COMPAT_NODE, id), encodeBegin({ ...head, ...begin }));
    objects.set(names.keyJson(COMPAT_NODE, id), keyFile);
    return { id, keys: deriveKeys(sk, scope), keyFile, packs: [] };
  }

  /** Stores chunks in one new pack, those apart that are known. */
  function storePack(run: Run, chunks: readonly Uint8Array[], secret: boolean): void {
    const index = run.packs.length;
    const fresh = chunks.filter((plain) => !known.has(idText(plain, secret)));
    if (fresh.length === 0) return;
    const identity = { scope: run.keys.scope, kind: "pack", index, name: names.packName(index) } as const;
    const sealer = new ObjectSealer({ ...identity, key: run.keys.pack, random });
    for (const plain of fresh) {
      if (known.has(idText(plain, secret))) continue;
      const { codec, bytes } = compress(plain);
      const row = sealer.add(bytes, codec, plain.length);
      const id = chunkId(suite, chunkKey, plain, secret);
      known.set(idText(plain, secret), { ...row, origin: run.id, pack: index, id: Uint8Array.from(id) });
    }
    const sealed = sealPack(sealer, index, secret);
    run.packs.push({ sealed, size: sealed.bytes.length });
    objects.set(names.pack(COMPAT_NODE, run.id, index), Uint8Array.from(sealed.bytes));
  }

  function entryOf({ content, ...rest }: CompatFile): ManifestEntry {
    const pieces = (content ?? []).map((part): EntryPiece => {
      const place = typeof part === "number" ? { hole: part } : known.get(idText(part, rest.secret === true));
      if (place === undefined) throw new Error("a chunk was not stored");
      return place;
    });
    const size = pieces.reduce((sum, piece) => sum + ("hole" in piece ? piece.hole : piece.plain), 0);
    return { ...rest, size, pieces };
  }

  function commit(
    run: Run,
    files: readonly CompatFile[],
    more: Pick<Begin, "parent"> & { others: Run[]; seq: number },
  ) {
    const entries = files.map(entryOf).sort((a, b) => comparePaths(a.path, b.path));
    const segmentWriter = new SegmentWriter();
    for (const entry of entries) segmentWriter.add(entry);
    const segment = segmentWriter.finish();
    storePack(run, [segment], false);
    const place = known.get(idText(segment, false));
    if (place === undefined) throw new Error("the segment was not stored");

    const used = new Set(
      [place, ...entries.flatMap((e) => e.pieces)].flatMap((p) => ("hole" in p ? [] : [`${p.origin} ${p.pack}`])),
    );
    const runs = [run, ...more.others];
    const packs = runs.flatMap(({ packs: list, id }, origin) =>
      list.filter(({ sealed }) => used.has(`${id} ${sealed.index}`)).map((pack) => ({ ...pack, origin, id })),
    );
    const height = run.id === FIRST ? 1000 : 2000;
    const heights = { "": height, "channel-10": height + 1, "channel-9": height + 2 };
    const described = { profile: "files", heights, tags: run.id === FIRST ? [] : ["before upgrade"] };
    const bytes = entries.reduce((sum, e) => sum + e.size, 0);
    const fileCount = entries.filter((e) => e.type === "file").length;
    const { vault, node, snapshot } = run.keys.scope;
    const captured = day(run.id === FIRST ? 1 : 3) + 1500;
    const manifest: Manifest = {
      format: 1,
      vault,
      node,
      snapshot,
      suite,
      captured,
      ...described,
      roots: [
        { name: "data", path: "/var/lib/compat/data" },
        { name: "wal", path: "/var/lib/compat/wal" },
      ],
      chunk_key: toBase64url(chunkKey),
      origins: runs.map(({ keys, id }) => ({ snapshot: id, suite, commit: toBase64url(keys.commit) })),
      packs: packs.map(({ sealed, size, origin }): ManifestPack => {
        const { index, salt, commit: packCommit, secret } = sealed;
        const row = { origin, index, size, salt: toBase64url(salt), commit: toBase64url(packCommit) };
        return secret ? { ...row, secret: true } : row;
      }),
      segments: [{ ...place, id: toBase64url(place.id), entries: entries.length }],
      totals: { files: fileCount, bytes, entries: entries.length },
      omitted: ["data/LOCK: a lock file"],
    };
    const sealedManifest = sealManifest(manifest, run.keys, random, compress).bytes;
    const fresh = packs.filter(({ id }) => id !== FIRST || run.id === FIRST);
    const rows = fresh.map(({ id, sealed }) => ({ origin: id, index: sealed.index, ...sumOf(sealed.bytes) }));
    const packList = encodePackList({ format: 1, vault, node, snapshot, rows });
    objects.set(names.packList(node, snapshot, 0), packList);
    objects.set(names.manifest(node, snapshot), Uint8Array.from(sealedManifest));
    const core: Card["core"] = {
      format: 1,
      state: "committed",
      vault,
      node,
      snapshot,
      suite,
      commit: toBase64url(run.keys.commit),
      seq: more.seq,
      ...(more.parent === undefined ? {} : { parent: more.parent }),
      started: captured - 1500,
      captured,
      downtime_ms: 250,
      ...described,
      bytes: {
        total: bytes,
        added: fresh.reduce((sum, { sealed }) => sum + sealed.bytes.length, 0),
        stored: rows.reduce((sum, row) => sum + row.size, 0),
        files: fileCount,
      },
      manifest: sumOf(sealedManifest),
      pack_lists: [{ name: names.packListName(0), ...sumOf(packList) }],
      origins: cardOrigins(manifest),
    };
    const card = signCard(core, cardMac(core, run.keys), signingKey);
    objects.set(names.card(node, snapshot), encodeCard(card));
    return card;
  }

  const versions = { min_agent: "0.1.0", min_keeper: "0.1.0" };
  objects.set(names.VAULT_JSON, encodeVaultJson({ format: 1, created: day(1), ...versions }));
  const claim = { format: 1, vault: COMPAT_VAULT, node: COMPAT_NODE, profile: "files", created: day(1) } as const;
  objects.set(names.nodeJson(COMPAT_NODE), encodeNodeJson({ ...claim, key: COMPAT_PIN }));

  const first = await beginRun(FIRST, { adopts: [] });
  storePack(first, chunksOf(dayOneFiles, false), false);
  storePack(first, chunksOf(dayOneFiles, true), true);
  const firstCard = commit(first, dayOneFiles, { others: [], seq: 1 });

  const dead = await beginRun(DEAD, { parent: FIRST, adopts: [] });
  storePack(dead, chunksOf(dayTwoFiles.slice(-1), false), false);
  const closed = { vault: COMPAT_VAULT, node: COMPAT_NODE, snapshot: DEAD, by: SECOND };
  objects.set(names.card(COMPAT_NODE, DEAD), encodeCard(signClosingCard(closed, signingKey)));

  const second = await beginRun(SECOND, { parent: FIRST, adopts: [DEAD] });
  storePack(second, chunksOf(dayTwoFiles, false), false);
  const secondCard = commit(second, dayTwoFiles, { parent: FIRST, others: [first, dead], seq: 2 });

  const entries = [indexEntry(secondCard), indexEntry(firstCard)];
  const list = { format: 1, vault: COMPAT_VAULT, node: COMPAT_NODE, generation: 2 } as const;
  // Recorded before an index had a sum: one without it is read for ever.
  objects.set(names.indexJson(COMPAT_NODE), canonicalBytes({ ...list, snapshots: entries, months: [] }));
  objects.set(names.backupList(COMPAT_NODE), encodeBackupList(entries));
  const recent = entries.map(({ snapshot, state }) => ({ snapshot, state }));
  const writers = { [writer]: { good: SECOND, recent } };
  objects.set(names.headJson(COMPAT_NODE), encodeHead({ ...list, newest: SECOND, writers }));

  // Last, so that nothing before it has other random bytes than without it.
  const { keys } = second;
  const sealedManifest = objects.get(names.manifest(COMPAT_NODE, SECOND)) ?? new Uint8Array(0);
  const { packs, origins } = openManifest(sealedManifest, keys);
  const keysOf = new Map([first, dead, second].map((run) => [run.id, run.keys]));
  const open = packs.flatMap(({ origin, index, salt, secret }): (readonly [number, number, string])[] => {
    const under = keysOf.get(origins[origin]?.snapshot ?? SECOND);
    if (secret === true || under === undefined) return [];
    return [[origin, index, toBase64url(objectSecret(under.scope, under.pack, saltOf(salt)))]];
  });
  const content = {
    format: 1,
    card_sha256: sumOf(encodeCard(secondCard)).sha256,
    manifest: toBase64url(objectSecret(keys.scope, keys.manifest, sealedManifest.subarray(32, 64))),
    origins: origins.map(({ snapshot }) => snapshot),
    packs: open,
    without_secrets: true,
  } as const;
  const how = { scope: keys.scope, tid, key: shareKeyOf(suite), random, compressor: compress };
  objects.set(names.share(COMPAT_NODE, tid), Uint8Array.from(sealShare(content, how)));
  objects.set(names.issuedTicket(tid), encodeIssued(SHARE_TICKET));
  objects.set(names.REVOKED_TICKETS, encodeRevoked({ format: 1, tickets: [] }));
  return objects;
}

function saltOf(text: string): Uint8Array {
  return fromBase64url(text, 32) ?? new Uint8Array(0);
}

function indexEntry({ core, mac, sig }: Card): IndexEntry {
  const { snapshot, seq, parent, captured, profile, heights, tags, bytes, downtime_ms, origins } = core;
  return {
    snapshot,
    state: "good",
    remarks: [],
    writer,
    seq,
    ...(parent === undefined ? {} : { parent }),
    received: captured,
    committed: captured + 1000,
    profile,
    ...(heights === undefined ? {} : { heights }),
    tags,
    bytes,
    ...(downtime_ms === undefined ? {} : { downtime_ms }),
    card: sumOf(encodeCard({ core, mac, sig })),
    origins: origins.map((origin) => origin.snapshot),
  };
}

function chunksOf(files: readonly CompatFile[], secret: boolean): Uint8Array[] {
  const parts = files.filter((file) => (file.secret === true) === secret).flatMap((file) => file.content ?? []);
  const chunks = parts.filter((part) => typeof part !== "number");
  if (chunks.some((chunk) => chunk.length > CHUNK)) throw new Error("a chunk has at most 1 MiB");
  return chunks;
}

function idText(plain: Uint8Array, secret: boolean): string {
  return `${secret} ${createHash("sha256").update(plain).digest("hex")}`;
}
