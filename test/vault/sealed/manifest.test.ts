import { describe, expect, it } from "vitest";
import type { CardCore } from "../../../vault/card/index.ts";
import { canonicalBytes } from "../../../vault/card/index.ts";
import { makeSnapshotId, names, toBase64url } from "../../../vault/names/index.ts";
import {
  assertCardCovers,
  cardOrigins,
  compress,
  deriveKeys,
  type Manifest,
  ObjectSealer,
  openManifest,
  sealManifest,
} from "../../../vault/sealed/index.ts";
import { keys, otherScopes, refusal, scope, sk } from "./fixtures.ts";

const older = makeSnapshotId(Date.UTC(2026, 0, 14), new Uint8Array(8).fill(3));
const b32 = toBase64url(new Uint8Array(32));
const pack = (origin: number, index: number) => ({ origin, index, size: 65_536, salt: b32, commit: b32 });
const own = { snapshot: scope.snapshot, suite: scope.suite, commit: toBase64url(keys.commit) };
const manifest: Manifest = {
  format: 1,
  vault: scope.vault,
  node: scope.node,
  snapshot: scope.snapshot,
  suite: scope.suite,
  captured: 5,
  profile: "leveldb",
  heights: { "": 1200, "channel-b": 7 },
  tags: ["before upgrade"],
  roots: [{ name: "data", path: "/var/lib/node" }],
  chunk_key: b32,
  origins: [own, { snapshot: older, suite: scope.suite, commit: b32 }],
  packs: [pack(0, 0), pack(0, 1), pack(1, 7), pack(1, 3), pack(1, 4)],
  segments: [
    { id: b32, entries: 3, origin: scope.snapshot, pack: 1, frame: 0, offset: 96, stored: 50, plain: 400, codec: 1 },
  ],
  totals: { files: 2, bytes: 10, entries: 3 },
  omitted: ["LOCK"],
};
/** Seals what the writer itself would refuse: the work of a hostile host. */
const sealAnything = (value: unknown) => {
  const identity = { scope, kind: "manifest", index: 0, name: names.MANIFEST_NAME } as const;
  const sealer = new ObjectSealer({ ...identity, key: keys.manifest });
  const json = typeof value === "string" ? new TextEncoder().encode(value) : canonicalBytes(value);
  const { codec, bytes } = compress(json);
  sealer.add(bytes, codec, json.length);
  return sealer.finish().bytes;
};

describe("a manifest", () => {
  it("comes back as it was sealed", () => {
    expect(openManifest(sealManifest(manifest, keys).bytes, keys)).toEqual(manifest);
  });

  it("of many packs goes into several frames", () => {
    const packs = Array.from({ length: 40_000 }, (_, i) => pack(0, i));
    const large = { ...manifest, packs };
    const sealed = sealManifest(large, keys);
    expect(sealed.rows.length).toBeGreaterThan(1);
    expect(openManifest(sealed.bytes, keys).packs.length).toBe(40_000);
  });

  it("names no keys: nothing of the snapshot key or what is derived from it stands in it", () => {
    const text = Buffer.from(canonicalBytes(openManifest(sealManifest(manifest, keys).bytes, keys))).toString();
    for (const secret of [sk, keys.pack, keys.manifest, keys.card, keys.slots]) {
      expect(text).not.toContain(toBase64url(secret));
    }
  });

  it.each(Object.entries(otherScopes))("does not open for %s", (_, other) => {
    refusal(() => openManifest(sealManifest(manifest, keys).bytes, deriveKeys(sk, other)));
  });

  it.each<[string, unknown]>([
    ["of another node", { ...manifest, node: "chain-2" }],
    ["of another snapshot", { ...manifest, snapshot: older }],
    ["of another suite", { ...manifest, suite: "sm4-gcm" }],
    ["that mixes suites", { ...manifest, origins: [own, { snapshot: older, suite: "sm4-gcm", commit: b32 }] }],
    ["with its own snapshot under another commitment", { ...manifest, origins: [{ ...own, commit: b32 }] }],
    ["with an origin twice", { ...manifest, origins: [own, own] }],
    [
      "with more than 256 origins",
      {
        ...manifest,
        origins: Array.from({ length: 257 }, (_, i) => ({
          ...own,
          commit: b32,
          snapshot: makeSnapshotId(i * 1000, new Uint8Array(8)),
        })),
      },
    ],
    ["with a pack of an origin not listed", { ...manifest, packs: [...manifest.packs, pack(2, 0)] }],
    ["with a pack twice", { ...manifest, packs: [...manifest.packs, pack(0, 0)] }],
    ["with a pack number that is no name", { ...manifest, packs: [...manifest.packs, pack(0, 100_000)] }],
    ["with a segment in a pack not listed", { ...manifest, segments: [{ ...manifest.segments[0], pack: 9 }] }],
    ["with a segment of a huge size", { ...manifest, segments: [{ ...manifest.segments[0], plain: 2 ** 30 }] }],
    ["with a segment inside a header", { ...manifest, segments: [{ ...manifest.segments[0], offset: 3 }] }],
    ["with a root that leaves its place", { ...manifest, roots: [{ name: "..", path: "/" }] }],
    ["with a root of two components", { ...manifest, roots: [{ name: "a/b", path: "/" }] }],
    ["with a root twice", { ...manifest, roots: [...manifest.roots, ...manifest.roots] }],
    ["without roots", { ...manifest, roots: [] }],
    ["with an unknown field", { ...manifest, run_after_restore: "reboot" }],
    ["with a missing field", { ...manifest, totals: { files: 2, bytes: 10 } }],
    ["that is not canonical", ` ${JSON.stringify(manifest)}`],
    ["that is not JSON", "{"],
    ["that is nested without end", "[".repeat(100_000)],
  ])("%s is refused", (_, hostile) => {
    refusal(() => openManifest(sealAnything(hostile), keys));
  });

  it("of a newer format is left alone, not called broken", () => {
    expect(refusal(() => openManifest(sealAnything({ format: 2 }), keys), "refused").todo).toBe("Update coldkeep");
  });

  it("that a reader would refuse is not sealed", () => {
    refusal(() => sealManifest({ ...manifest, packs: [pack(9, 0)] }, keys));
  });
});

describe("the card's list of origins", () => {
  it("is computed from the pack table: ascending ranges, the manifest's order, none for an unused origin", () => {
    expect(cardOrigins(manifest)).toEqual([
      { snapshot: scope.snapshot, ranges: [[0, 1]] },
      {
        snapshot: older,
        ranges: [
          [3, 4],
          [7, 7],
        ],
      },
    ]);
    expect(cardOrigins({ ...manifest, packs: [pack(1, 2)] })).toEqual([{ snapshot: older, ranges: [[2, 2]] }]);
  });

  it("of a lying card is found out: a pack left out, an origin left out, another node's manifest", () => {
    const { vault, node, snapshot, suite } = scope;
    const core = (origins: CardCore["origins"]) => ({ vault, node, snapshot, suite, origins }) as unknown as CardCore;
    const honest = cardOrigins(manifest);
    assertCardCovers(core(honest), manifest);
    assertCardCovers(core([...honest.slice(0, 1), { snapshot: older, ranges: [[0, 9]] }]), manifest);
    expect(refusal(() => assertCardCovers(core(honest.slice(0, 1)), manifest)).message).toContain(older);
    refusal(() => assertCardCovers(core([...honest.slice(0, 1), { snapshot: older, ranges: [[3, 4]] }]), manifest));
    refusal(() => assertCardCovers(core([...honest.slice(0, 1), { snapshot: older, ranges: [[4, 7]] }]), manifest));
    refusal(() => assertCardCovers({ ...core(honest), node: "chain-2" } as CardCore, manifest));
  });
});
