import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { names } from "../../../vault/names/index.ts";
import { compress, deriveKeys, ObjectSealer, openObject, RangeOpener } from "../../../vault/sealed/index.ts";
import { MAX_FRAME_PLAIN } from "../../../vault/sealed/layout.ts";
import { keys, otherScopes, packOf, refusal, scope, sealFrames, sk } from "./fixtures.ts";

const identity = { scope, kind: "pack", index: 0, name: "00000.pack", key: keys.pack } as const;
const body = (length: number, byte = 5) => new Uint8Array(length).fill(byte);
const flip = (bytes: Uint8Array, at: number) => {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x40;
  return copy;
};
/** Opens everything: what a whole read does. */
const openAll = (o: Parameters<typeof openObject>[0]) => {
  const object = openObject(o);
  return object.rows.map((_, i) => Uint8Array.from(object.frame(i).bytes));
};

describe("a sealed object", () => {
  it("gives back every frame, whole and by its place", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 3000 }), fc.boolean()), { maxLength: 20 }),
        fc.nat({ max: 99_999 }),
        (plains, index) => {
          const frames = plains.map(([plain, repeat]) => {
            const content = repeat ? Buffer.alloc(plain.length * 20, plain) : plain;
            const { codec, bytes } = compress(content);
            return { content, body: bytes, codec, plain: content.length };
          });
          const sealed = sealFrames(frames, index);
          const opener = openObject(packOf(sealed.bytes, index));
          const { salt, commit } = sealed;
          const ranges = new RangeOpener({ ...packOf(sealed.bytes, index), salt, commit });
          expect(opener.rows).toEqual(sealed.rows);
          frames.forEach(({ content }, i) => {
            const row = sealed.rows[i];
            if (row === undefined) throw new Error("a row is missing");
            expect(Buffer.compare(opener.frame(i).bytes, content)).toBe(0);
            const part = sealed.bytes.subarray(row.offset, row.offset + row.stored);
            expect(Buffer.compare(ranges.open(row, part).bytes, content)).toBe(0);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it("has a size that is a multiple of 64 KiB, whatever its frames, also where they fit exactly", () => {
    // 96 + 16 + 16 + 16 + n·(26): one frame fits exactly with this many plain bytes, and its neighbours do not.
    const exact = 65_536 - 96 - 26 - 16 - 16;
    const sizes = fc.oneof(fc.integer({ min: exact - 40, max: exact + 40 }), fc.integer({ min: 0, max: 200_000 }));
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 3 }), (size, more) => {
        const sealed = sealFrames([{ body: body(size) }, ...Array.from({ length: more }, () => ({ body: body(1) }))]);
        expect(sealed.bytes.length % 65_536).toBe(0);
        expect(openObject(packOf(sealed.bytes)).count).toBe(more + 1);
      }),
      {
        numRuns: 120,
        examples: [
          [exact, 0],
          [exact - 26, 0],
          [exact - 25, 0],
          [exact + 1, 0],
        ],
      },
    );
    expect(sealFrames([{ body: body(exact) }]).bytes.length).toBe(65_536);
    expect(sealFrames([{ body: body(exact - 26) }]).bytes.length).toBe(65_536);
    expect(sealFrames([{ body: body(exact - 25) }]).bytes.length).toBe(131_072);
  });

  it("has at most one padding frame, the last before the footer, of zero bytes", () => {
    const sealed = sealFrames([{ body: body(10) }]);
    const trailer = Buffer.from(sealed.bytes.subarray(-16));
    expect(trailer.readUInt32BE(4)).toBe(2);
    expect(sealed.rows.length).toBe(1);
  });

  it("seals once: after finish a frame more or a second finish is refused, and no salt comes twice", () => {
    const sealer = new ObjectSealer(identity);
    sealer.add(body(10), 0, 10);
    const first = sealer.finish();
    expect(() => sealer.add(body(10), 0, 10)).toThrow(/a salt seals once/);
    expect(() => sealer.finish()).toThrow(/a salt seals once/);
    expect(Buffer.from(first.salt)).not.toEqual(Buffer.from(new ObjectSealer(identity).finish().salt));
  });

  it("writes into the buffer given, and into a larger one where that is too small", () => {
    const into = new Uint8Array(65_536);
    const fitting = new ObjectSealer({ ...identity, into });
    fitting.add(body(1000), 0, 1000);
    expect(fitting.finish().bytes.buffer).toBe(into.buffer);
    const small = new ObjectSealer({ ...identity, into: new Uint8Array(10) });
    small.add(body(200_000), 0, 200_000);
    expect(openAll({ ...identity, bytes: small.finish().bytes })).toEqual([body(200_000)]);
  });

  it("takes no frame beyond the limits, nor one whose lengths contradict its codec", () => {
    const sealer = new ObjectSealer(identity);
    expect(() => sealer.add(body(1), 1, MAX_FRAME_PLAIN + 1)).toThrow(/at most 16777216/);
    expect(() => sealer.add(body(10), 0, 11)).toThrow(/cannot hold/);
    expect(() => sealer.add(body(10), 1, 10)).toThrow(/cannot hold/);
    expect(() => sealer.add(body(10), 2 as never, 100)).toThrow(/cannot hold/);
  });
});

describe("damage is found", () => {
  const small = sealFrames([{ body: body(300) }, { body: body(20, 6) }, { body: body(0) }]);
  const plain = openAll(packOf(small.bytes));

  it("when any single byte of header, frames, footer or trailer is flipped, or one of the padding", () => {
    const ends = [...Array(700).keys()];
    const padding = Array.from({ length: 800 }, (_, i) => 700 + i * 80);
    for (const at of [...ends, ...padding, ...ends.map((i) => 65_535 - i)]) {
      const damaged = flip(small.bytes, at);
      expect(() => openAll(packOf(damaged)), `byte ${at}`).toThrow();
    }
    expect(openAll(packOf(small.bytes))).toEqual(plain);
  });

  it("when the object is truncated, at every length of its ends", () => {
    for (let cut = 1; cut < 300; cut++) {
      refusal(() => openAll(packOf(small.bytes.subarray(0, small.bytes.length - cut))));
      refusal(() => openAll(packOf(small.bytes.subarray(0, cut))));
    }
    for (let length = 300; length < small.bytes.length; length += 997) {
      expect(refusal(() => openAll(packOf(small.bytes.subarray(0, length)))).what).toBe("truncated");
    }
  });

  it("when something is appended", () => {
    refusal(() => openAll(packOf(Buffer.concat([small.bytes, body(65_536, 0)]))));
  });

  it("when two frames of equal length are swapped, or one comes twice", () => {
    const { bytes, rows } = sealFrames([{ body: body(50, 1) }, { body: body(50, 2) }]);
    const [a, b] = rows;
    if (a === undefined || b === undefined) throw new Error("rows are missing");
    const swapped = Uint8Array.from(bytes);
    swapped.set(bytes.subarray(b.offset, b.offset + b.stored), a.offset);
    expect(refusal(() => openAll(packOf(swapped))).what).toBe("damaged frame");
    swapped.set(bytes.subarray(a.offset, a.offset + a.stored), b.offset);
    refusal(() => openObject(packOf(swapped)).frame(1));
  });

  it("when a frame is opened as another, with another codec or another length", () => {
    const { bytes, rows, salt, commit } = sealFrames([{ body: body(50) }]);
    const row = rows[0];
    if (row === undefined) throw new Error("a row is missing");
    const ranges = new RangeOpener({ ...packOf(bytes), salt, commit });
    const sealed = bytes.subarray(row.offset, row.offset + row.stored);
    expect(ranges.open(row, sealed).bytes.length).toBe(50);
    refusal(() => ranges.open({ ...row, frame: 1 }, sealed));
    refusal(() => ranges.open({ ...row, codec: 1, plain: 51 }, sealed));
    refusal(() => ranges.open({ ...row, plain: 49 }, sealed));
    refusal(() => ranges.open({ ...row, stored: row.stored - 1, plain: 49 }, sealed.subarray(1)));
    refusal(() => ranges.open({ ...row, plain: MAX_FRAME_PLAIN + 1, codec: 1 }, sealed));
    refusal(() => ranges.open({ ...row, frame: -1 }, sealed));
    refusal(() => ranges.open({ ...row, offset: 0.5 }, sealed));
  });
});

describe("an object opens under its own name and key only", () => {
  const sealed = sealFrames([{ body: body(100) }], 3);

  it("not as another pack, nor as another kind", () => {
    expect(refusal(() => openObject(packOf(sealed.bytes, 4))).what).toBe("another object lies under this name");
    const asManifest = { ...packOf(sealed.bytes, 3), kind: "manifest", index: 0, name: names.MANIFEST_NAME } as const;
    expect(refusal(() => openObject(asManifest)).what).toBe("another object lies under this name");
  });

  it.each(Object.entries(otherScopes))("not for %s, even with the same snapshot key", (_, other) => {
    const under = deriveKeys(sk, other);
    expect(refusal(() => openObject(packOf(sealed.bytes, 3, under))).what).toBe("another object lies under this name");
    // Whoever also forges the public name tag still meets the commitment.
    const forged = Uint8Array.from(sealed.bytes);
    forged.set(sealFrames([], 3, under).bytes.subarray(0, 32), 0);
    expect(refusal(() => openObject(packOf(forged, 3, under))).what).toBe("wrong key or damaged header");
    const { salt, commit } = sealed;
    refusal(() => new RangeOpener({ ...packOf(sealed.bytes, 3, under), salt, commit }));
  });

  it("not with another snapshot key", () => {
    const under = deriveKeys(
      Uint8Array.from(sk, (byte) => byte ^ 1),
      scope,
    );
    expect(refusal(() => openObject(packOf(sealed.bytes, 3, under))).what).toBe("wrong key or damaged header");
  });

  it("not with the header of a suite that it was not sealed with", () => {
    expect(refusal(() => openObject(packOf(flip(sealed.bytes, 9), 3))).what).toBe(
      "another object lies under this name",
    );
    const sm4 = { ...scope, suite: "sm4-gcm" } as const;
    const other = deriveKeys(sk, sm4);
    expect(refusal(() => openObject({ ...packOf(sealed.bytes, 3), scope: sm4, key: other.pack })).what).toBe(
      "another object lies under this name",
    );
  });
});

describe("messages tell what is wrong, the outermost first", () => {
  const { bytes } = sealFrames([{ body: body(100) }]);
  // Each case damages its own place and everything that is checked after it.
  const places = { footer: bytes.length - 30, frame: 100, commit: 70, salt: 40, tag: 20, version: 8, magic: 0 };
  const damageFrom = (...which: (keyof typeof places)[]) =>
    which.reduce((damaged, place) => flip(damaged, places[place]), bytes);
  const what = (damaged: Uint8Array) => refusal(() => openAll(packOf(damaged))).what;

  it("magic, version, name, commitment, frame, sums", () => {
    expect(what(damageFrom("magic", "version", "tag", "commit", "footer", "frame"))).toBe("not a coldkeep object");
    expect(what(damageFrom("version", "tag", "commit", "footer", "frame"))).toBe("unknown version");
    expect(what(damageFrom("tag", "commit", "footer", "frame"))).toBe("another object lies under this name");
    expect(what(damageFrom("commit", "footer", "frame"))).toBe("wrong key or damaged header");
    expect(what(damageFrom("salt", "footer", "frame"))).toBe("wrong key or damaged header");
    expect(what(damageFrom("footer"))).toBe("damaged frame");
    expect(what(damageFrom("frame"))).toBe("damaged frame");
    expect(what(bytes.subarray(0, -65_000))).toBe("truncated");
  });

  it("name the object, and never a byte of key or plaintext", () => {
    const { message } = refusal(() => openAll(packOf(damageFrom("frame"))));
    expect(message).toContain(`chain-1/data/${scope.snapshot}/00000.pack`);
    expect(message).toContain("frame 0 at byte 96");
  });
});
