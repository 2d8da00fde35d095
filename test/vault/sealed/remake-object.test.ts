import { describe, expect, it } from "vitest";
import { names, toHex } from "../../../vault/names/index.ts";
import { WAYS } from "../../../vault/sealed/codec.ts";
import { compress, deriveKeys } from "../../../vault/sealed/index.ts";
import { closedSize, type KnownObject, ObjectRemaker } from "../../../vault/sealed/remake-object.ts";
import type { SnapshotScope } from "../../../vault/sealed/types.ts";
import { seededRandom } from "../../support/random.ts";
import { scope, sealFrames, sk } from "./fixtures.ts";

const random = seededRandom("remake");
const PLAINS = [Buffer.alloc(300_000, "words and words, "), Buffer.from(random(100_000)), Buffer.alloc(70_000, 7)];

describe.each(["aes-256-gcm", "sm4-gcm"] as const)("an object that is made again (%s)", (suite) => {
  const under: SnapshotScope = { ...scope, suite };
  const keys = deriveKeys(sk, under);
  const sealed = sealFrames(
    PLAINS.map((plain) => ({ body: compress(plain).bytes, codec: compress(plain).codec, plain: plain.length })),
    3,
    keys,
  );
  const bytes = Uint8Array.from(sealed.bytes);
  const known: KnownObject = {
    scope: under,
    kind: "pack",
    index: 3,
    name: names.packName(3),
    key: keys.pack,
    salt: sealed.salt,
    commit: sealed.commit,
    size: bytes.length,
    sha256: toHex(sealed.sha256),
  };
  /** Each frame out of `rest` where it opens there, else from `plains`. */
  function remake(rest: Uint8Array, plains: readonly Uint8Array[], record = known) {
    const remaker = new ObjectRemaker(record, compress);
    for (const row of sealed.rows) {
      const body = remaker.bodyIn(rest, row) ?? remaker.bodyOf(plains[row.frame] ?? new Uint8Array(0), row);
      if (body === null || !remaker.add(body, row)) return null;
    }
    return remaker.finish();
  }

  it("has the same bytes, from plaintexts, from what is left of it, and from both", () => {
    const hurt = Uint8Array.from(bytes);
    for (const at of [5, 50, 90, 200, bytes.length - 1]) hurt[at] = (hurt[at] ?? 0) ^ 1;
    for (const rest of [new Uint8Array(0), bytes, hurt]) {
      expect(Buffer.compare(remake(rest, PLAINS) ?? new Uint8Array(0), bytes)).toBe(0);
    }
  });

  it("has them as well where an earlier version, or another setting, made other frames of the same plaintexts", () => {
    // Tables in which 6 bytes repeat here and there.
    const noise = Buffer.from(random(400_000));
    for (let at = 100; at < noise.length; at += 20) noise.copy(noise, at, at - 77, at - 71);
    const [today, formerly] = WAYS.map((way) => way(noise));
    expect(today?.bytes.length).toBeLessThan(0.95 * (formerly?.bytes.length ?? 0));
    const plains = [noise, ...PLAINS];
    for (const make of WAYS) {
      const old = sealFrames(
        plains.map((plain) => ({ body: make(plain).bytes, codec: make(plain).codec, plain: plain.length })),
        3,
        keys,
      );
      const { salt, commit } = old;
      const remade = { ...known, salt, commit, size: old.bytes.length, sha256: toHex(old.sha256) };
      const remaker = new ObjectRemaker(remade, make);
      const added = old.rows.map((row) => {
        const body = remaker.bodyOf(plains[row.frame] ?? new Uint8Array(0), row);
        return body !== null && remaker.add(body, row);
      });
      expect(added).toEqual(plains.map(() => true));
      expect(Buffer.compare(remaker.finish() ?? new Uint8Array(0), old.bytes)).toBe(0);
    }
  });

  it("is not handed out where one byte of it would be another: its salt has sealed before", () => {
    const other = PLAINS.map((plain) => Uint8Array.from(plain));
    (other[1] as Uint8Array)[77] = ((other[1] as Uint8Array)[77] ?? 0) ^ 1;
    expect(remake(new Uint8Array(0), other)).toBeNull();
    expect(remake(bytes, PLAINS, { ...known, sha256: "0".repeat(64) })).toBeNull();
  });

  it("is not begun by another key, salt or number", () => {
    expect(() => new ObjectRemaker({ ...known, key: keys.manifest }, compress)).toThrow(RangeError);
    expect(() => new ObjectRemaker({ ...known, salt: random(32) }, compress)).toThrow(RangeError);
    expect(() => new ObjectRemaker({ ...known, index: 4, name: names.packName(4) }, compress)).toThrow(RangeError);
  });

  it("tells its rows from its footer, and none where that is damaged", () => {
    const remaker = new ObjectRemaker(known, compress);
    expect(remaker.rowsOf(bytes)).toEqual(sealed.rows);
    const hurt = Uint8Array.from(bytes);
    hurt[bytes.length - 20] = (hurt[bytes.length - 20] ?? 0) ^ 1;
    expect(remaker.rowsOf(hurt)).toBeNull();
    expect(remaker.rowsOf(bytes.subarray(0, 1000))).toBeNull();
  });

  it("is as large as its frames let one foretell", () => {
    const last = sealed.rows.at(-1);
    expect(closedSize(sealed.rows.length, (last?.offset ?? 0) + (last?.stored ?? 0))).toBe(bytes.length);
  });
});
