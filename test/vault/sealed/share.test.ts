import { describe, expect, it } from "vitest";
import { names, toBase64url } from "../../../vault/names/index.ts";
import {
  objectSecret,
  openObject,
  openShare,
  RangeOpener,
  type ShareContent,
  sealShare,
} from "../../../vault/sealed/index.ts";
import { seededRandom } from "../../support/random.ts";
import { keys, otherScopes, packOf, refusal, scope, sealFrames } from "./fixtures.ts";

const random = seededRandom("shares");
const key = random(32);
const tid = toBase64url(random(16));
const pack = sealFrames([{ body: Buffer.from("chunk") }], 3);
const os = objectSecret(scope, keys.pack, pack.salt);
const CONTENT: ShareContent = {
  format: 1,
  card_sha256: "a".repeat(64),
  manifest: toBase64url(random(32)),
  origins: [scope.snapshot],
  packs: [[0, 3, toBase64url(os)]],
  without_secrets: true,
};
const sealed = sealShare(CONTENT, { scope, tid, key });

describe("the object of a share", () => {
  it("comes back as it was sealed, padded as every object", () => {
    expect(openShare(sealed, { scope, tid, key })).toEqual(CONTENT);
    expect(sealed.length % 65_536).toBe(0);
    expect(sealed[10]).toBe(3);
  });

  it("opens with no other key, under no other ticket's name, and of no other snapshot", () => {
    expect(refusal(() => openShare(sealed, { scope, tid, key: random(32) })).what).toBe("wrong key or damaged header");
    const moved = { scope, tid: toBase64url(random(16)), key };
    expect(refusal(() => openShare(sealed, moved)).what).toBe("another object lies under this name");
    for (const other of Object.values(otherScopes)) refusal(() => openShare(sealed, { scope: other, tid, key }));
  });

  it("is refused with any byte of it changed", () => {
    for (const at of [0, 8, 16, 40, 70, 96, 120, sealed.length - 20, sealed.length - 1]) {
      const changed = Uint8Array.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(refusal(() => openShare(changed, { scope, tid, key })).on).toBe(names.share(scope.node, tid));
    }
  });

  it("gives what opens one pack, and no other of the same snapshot", () => {
    expect(Buffer.from(openObject({ ...packOf(pack.bytes, 3), key: { os } }).frame(0).bytes).toString()).toBe("chunk");
    const other = sealFrames([{ body: Buffer.from("other") }], 4);
    refusal(() => openObject({ ...packOf(other.bytes, 4), key: { os } }));
    const identity = { scope, kind: "pack", index: 4, name: names.packName(4) } as const;
    refusal(() => new RangeOpener({ ...identity, key: { os }, salt: other.salt, commit: other.commit }));
  });

  it("is not made of keys or numbers that are none", () => {
    for (const wrong of [
      { ...CONTENT, manifest: "short" },
      { ...CONTENT, packs: [[0, 3, "short"]] },
      { ...CONTENT, packs: [[-1, 3, toBase64url(os)]] },
      { ...CONTENT, card_sha256: "A".repeat(64) },
    ] as ShareContent[]) {
      refusal(() => sealShare(wrong, { scope, tid, key }));
    }
  });
});
