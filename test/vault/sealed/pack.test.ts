import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { names } from "../../../vault/names/index.ts";
import { ObjectSealer, PACK_TARGET, packFits, sealPack } from "../../../vault/sealed/index.ts";
import { keys, scope } from "./fixtures.ts";

const newSealer = () => new ObjectSealer({ scope, kind: "pack", index: 2, name: names.packName(2), key: keys.pack });

describe("a pack", () => {
  it("never grows beyond its target by what fits", () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.integer({ min: 0, max: PACK_TARGET }), fc.nat(2 ** 21), (frames, size, next) => {
        if (!packFits({ frames: frames + 1, size }, next)) return;
        const closed = size + next + 16 + (frames + 2) * 10 + 16 + 16;
        // With padding and its row: at most the target, which is itself a multiple of 64 KiB.
        expect(Math.ceil((closed + 26) / 65_536) * 65_536).toBeLessThanOrEqual(PACK_TARGET);
      }),
      { examples: [[0, PACK_TARGET - 1_048_576 - 96, 1_048_576]] },
    );
  });

  it("that is empty takes a frame of any size", () => {
    expect(packFits({ frames: 0, size: 96 }, 2 * PACK_TARGET)).toBe(true);
    expect(packFits({ frames: 1, size: 96 + 16 }, PACK_TARGET)).toBe(false);
  });

  it("carries what the manifest's table and the card's lists say of it", () => {
    const sealer = newSealer();
    sealer.add(new Uint8Array(5), 0, 5);
    const pack = sealPack(sealer, 2, true);
    expect(pack).toMatchObject({ index: 2, secret: true });
    expect(pack.bytes.length).toBe(65_536);
    expect(Buffer.from(pack.sha256)).toEqual(createHash("sha256").update(pack.bytes).digest());
    expect(Buffer.from(pack.bytes.subarray(32, 64))).toEqual(Buffer.from(pack.salt));
    expect(Buffer.from(pack.bytes.subarray(64, 96))).toEqual(Buffer.from(pack.commit));
  });
});
