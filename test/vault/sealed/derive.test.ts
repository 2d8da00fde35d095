import { createHash, hkdfSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { fromBase64url } from "../../../vault/names/index.ts";
import { lengthPrefixed } from "../../../vault/sealed/bytes.ts";
import { chunkId, contextTag, deriveKeys, fileDigest, newSnapshotKey } from "../../../vault/sealed/index.ts";
import { keys, otherScopes, scope, sk } from "./fixtures.ts";

const LABELS = ["commit", "pack", "manifest", "card", "slots"] as const;
const place = { origin: scope.snapshot, pack: 0, frame: 0, offset: 96, stored: 26, plain: 10, codec: 0 } as const;

describe("the keys of a snapshot", () => {
  it("are HKDF-SHA-256 of the snapshot key, bound to the scope", () => {
    const lp = (...items: (string | Uint8Array)[]) =>
      Buffer.concat(items.flatMap((item) => [Buffer.from([0, item.length]), Buffer.from(item)]));
    const vault = fromBase64url(scope.vault) ?? Buffer.alloc(0);
    const ctx = lp("coldkeep/v1", Buffer.from([1]), vault, scope.node, scope.snapshot);
    const salt = createHash("sha256").update(ctx).digest();
    for (const label of LABELS) {
      const expected = Buffer.from(hkdfSync("sha256", sk, salt, lp(`coldkeep/v1 ${label}`), 32));
      expect(Buffer.from(keys[label])).toEqual(expected);
    }
  });

  it("differ from each other and from those of every other scope", () => {
    const all = [keys, ...Object.values(otherScopes).map((other) => deriveKeys(sk, other))];
    const seen = new Set(all.flatMap((k) => LABELS.map((label) => Buffer.from(k[label]).toString("hex"))));
    expect(seen.size).toBe(all.length * LABELS.length);
  });

  it("come of 32 random bytes and of nothing shorter", () => {
    expect(newSnapshotKey().length).toBe(32);
    expect(Buffer.from(newSnapshotKey())).not.toEqual(Buffer.from(newSnapshotKey()));
    expect(() => deriveKeys(new Uint8Array(16), scope)).toThrow(RangeError);
  });

  it("cannot be confused by moving bytes from one item to the next", () => {
    expect(Buffer.from(lengthPrefixed("ab", "c"))).not.toEqual(Buffer.from(lengthPrefixed("a", "bc")));
    expect(Buffer.from(lengthPrefixed("ab", ""))).not.toEqual(Buffer.from(lengthPrefixed("ab")));
    expect(() => lengthPrefixed(new Uint8Array(65_536))).toThrow(RangeError);
  });
});

describe("the context tag", () => {
  it("differs for every vault, node, snapshot and name", () => {
    const tags = [scope, ...Object.values(otherScopes)].flatMap((s) =>
      ["manifest", "00000.pack", "00001.pack"].map((name) => Buffer.from(contextTag(s, name)).toString("hex")),
    );
    expect(new Set(tags).size).toBe(12);
    expect(contextTag(scope, "manifest").length).toBe(16);
  });
});

describe("chunk ids", () => {
  const key = new Uint8Array(32).fill(3);
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

  it("are keyed: another node's key gives other ids", () => {
    const plain = Buffer.from("content");
    expect(hex(chunkId("aes-256-gcm", key, plain))).not.toBe(
      hex(chunkId("aes-256-gcm", new Uint8Array(32).fill(4), plain)),
    );
    expect(hex(chunkId("aes-256-gcm", key, plain))).not.toBe(createHash("sha256").update(plain).digest("hex"));
  });

  it("of secret files are of their own kind, so a secret chunk never stands for an open one", () => {
    const plain = Buffer.from("content");
    expect(hex(chunkId("aes-256-gcm", key, plain, true))).not.toBe(hex(chunkId("aes-256-gcm", key, plain)));
  });

  it("make a digest of a file that changes with size, order, holes and content", () => {
    const a = { ...place, id: new Uint8Array(32).fill(1) };
    const b = { ...place, id: new Uint8Array(32).fill(2) };
    const digest = (size: number, pieces: Parameters<typeof fileDigest>[2]["pieces"]) =>
      hex(fileDigest("aes-256-gcm", key, { size, pieces }));
    const all = [
      digest(20, [a, b]),
      digest(20, [b, a]),
      digest(20, [a, { hole: 10 }]),
      digest(20, [{ hole: 10 }, a]),
      digest(21, [a, b]),
      digest(20, [{ hole: 20 }]),
    ];
    expect(new Set(all).size).toBe(all.length);
    // Where a chunk lies says nothing of what is in it.
    expect(digest(20, [{ ...a, pack: 7 }, b])).toBe(all[0]);
  });
});
