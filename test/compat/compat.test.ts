import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  assertSum,
  type Card,
  isCommitted,
  parseCard,
  parsePackList,
  verifyCardSignature,
} from "../../vault/card/index.ts";
import { fromBase64url, names, type SnapshotId } from "../../vault/names/index.ts";
import {
  assertCardCovers,
  type ChunkPlace,
  chunkId,
  EntryOrder,
  keyIdentity,
  type Manifest,
  type ManifestEntry,
  openKeyFile,
  openManifest,
  openObject,
  parseSegment,
  RangeOpener,
  type SnapshotKeys,
  verifyCardMac,
} from "../../vault/sealed/index.ts";
import { type Recorded, replay } from "./recorded.ts";
import { type ExpectedEntry, expectedTree } from "./tree.ts";
import {
  COMPAT_FOLDERS,
  COMPAT_KEY,
  COMPAT_NODE,
  COMPAT_PIN,
  COMPAT_VAULT,
  FIRST,
  makeCompatVault,
  SECOND,
} from "./vault.ts";

const raw = (text: string) => fromBase64url(text) ?? new Uint8Array(0);
const identity = keyIdentity(Buffer.from(COMPAT_KEY));
const node = COMPAT_NODE;

describe.each(["aes-256-gcm", "sm4-gcm"] as const)("the vault of version 1, %s", (suite) => {
  const folder = join(import.meta.dirname, COMPAT_FOLDERS[suite]);
  const read = (name: string) => new Uint8Array(readFileSync(join(folder, "vault", name)));
  const json = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), "utf8"));
  const expected = json("expected.json") as { snapshots: Record<string, ExpectedEntry[]> };

  it("is made again byte for byte from its seed", async () => {
    const made = await makeCompatVault(replay(json("compressed.json") as Recorded), suite);
    const stored = readdirSync(join(folder, "vault"), { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name).slice(join(folder, "vault").length + 1));
    expect(stored.sort()).toEqual([...made.keys()].sort());
    for (const [name, bytes] of made) expect(Buffer.compare(bytes, read(name)), name).toBe(0);
  });

  it.each([FIRST, SECOND])("gives back every file of %s", async (id) => {
    const { card, keys, manifest, keysOf } = await open(id);
    const openers = new Map<string, RangeOpener>();
    const chunk = (place: ChunkPlace) => {
      const { origin, pack } = place;
      const name = names.packName(pack);
      const key = `${origin}/${pack}`;
      const row = manifest.packs.find((p) => manifest.origins[p.origin]?.snapshot === origin && p.index === pack);
      const under = keysOf.get(origin);
      if (row === undefined || under === undefined) throw new Error(`pack ${key} is not in the table`);
      const identityOf = { scope: under.scope, kind: "pack", index: pack, name, key: under.pack } as const;
      const opener =
        openers.get(key) ?? new RangeOpener({ ...identityOf, salt: raw(row.salt), commit: raw(row.commit) });
      openers.set(key, opener);
      const bytes = read(names.pack(node, origin, pack));
      return opener.open(place, bytes.subarray(place.offset, place.offset + place.stored)).bytes;
    };
    const order = new EntryOrder();
    const entries = manifest.segments.flatMap((s) => [...parseSegment(chunk(s), order)]);
    order.end();
    const chunkKey = raw(manifest.chunk_key);
    const content = (entry: ManifestEntry) =>
      entry.pieces.map((piece) => {
        if ("hole" in piece) return piece.hole;
        const plain = chunk(piece);
        expect(Buffer.from(chunkId(card.core.suite, chunkKey, plain, entry.secret))).toEqual(Buffer.from(piece.id));
        return plain;
      });
    const tree = expectedTree(entries.map((entry) => ({ ...entry, content: content(entry) })));
    expect(tree).toEqual(expected.snapshots[id]);
    expect(entries.length).toBe(manifest.totals.entries);
    expect(keys.scope.snapshot).toBe(id);
  });

  it("has packs that open whole, are vouched for, and keep secret chunks by themselves", async () => {
    const { card, manifest, keysOf } = await open(SECOND);
    const listed = [FIRST, SECOND].flatMap(
      (id) => parsePackList(read(names.packList(node, id, 0)), { node, snapshot: id }).rows,
    );
    const secretPlaces = new Set<string>();
    for (const { origin, index, secret } of manifest.packs) {
      const snapshot = manifest.origins[origin]?.snapshot as SnapshotId;
      const bytes = read(names.pack(node, snapshot, index));
      const row = listed.find((r) => r.origin === snapshot && r.index === index);
      if (row === undefined) throw new Error("no list vouches for a pack");
      assertSum(bytes, row, "pack");
      const { scope, pack: key } = keysOf.get(snapshot) as SnapshotKeys;
      const object = openObject({ scope, kind: "pack", index, name: names.packName(index), key, bytes });
      object.rows.forEach((_, i) => {
        object.frame(i);
      });
      if (secret === true) secretPlaces.add(`${snapshot}/${index}`);
    }
    expect(secretPlaces).toEqual(new Set([`${FIRST}/1`]));
    expect(card.core.origins.length).toBe(3);
  });
  async function open(id: SnapshotId): Promise<{
    card: Card;
    keys: SnapshotKeys;
    manifest: Manifest;
    keysOf: Map<SnapshotId, SnapshotKeys>;
  }> {
    const card = parseCard(read(names.card(node, id)), { vault: COMPAT_VAULT, node, snapshot: id });
    if (!isCommitted(card)) throw new Error("a committed snapshot was expected");
    expect(verifyCardSignature(card, COMPAT_PIN)).toBe("pinned");
    const keysAt = async (snapshot: SnapshotId, commit: string) => {
      const scope = { vault: COMPAT_VAULT, node, snapshot, suite } as const;
      const bytes = read(names.keyJson(node, snapshot));
      const { keys, macOk } = await openKeyFile({ bytes, scope, identities: [identity], commit: raw(commit) });
      expect(macOk).toBe(true);
      return keys;
    };
    const keys = await keysAt(id, card.core.commit);
    verifyCardMac(card, keys);
    const bytes = read(names.manifest(node, id));
    assertSum(bytes, card.core.manifest, "manifest");
    const manifest = openManifest(bytes, keys);
    assertCardCovers(card.core, manifest);
    const keysOf = new Map<SnapshotId, SnapshotKeys>();
    for (const origin of manifest.origins) keysOf.set(origin.snapshot, await keysAt(origin.snapshot, origin.commit));
    return { card, keys, manifest, keysOf };
  }
});
