import { zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { names } from "../../../vault/names/index.ts";
import { openObject } from "../../../vault/sealed/index.ts";
import {
  boundHeader,
  FRAME_DATA,
  FRAME_FOOTER,
  FRAME_PADDING,
  frameAad,
  frameNonce,
  MAX_FRAME_PLAIN,
  objectSecrets,
  TRAILER_MAGIC,
} from "../../../vault/sealed/layout.ts";
import { keys, packOf, refusal, scope } from "./fixtures.ts";

interface Forged {
  readonly type?: number;
  readonly codec?: number;
  readonly body: Uint8Array;
  readonly plain?: number;
  /** What the footer says of the frame, where it lies. */
  readonly row?: { readonly stored?: number; readonly plain?: number; readonly type?: number };
}

/** An object that is authentic and breaks the rules: what whoever holds the keys can make. */
function forge(
  frames: readonly Forged[],
  more: { readonly tail?: number; readonly unpadded?: boolean } = {},
): Uint8Array {
  const identity = { scope, kind: "pack", index: 0, name: names.packName(0) } as const;
  const bound = boundHeader(identity, new Uint8Array(32).fill(5));
  const { suite, key, nonceBase, commit } = objectSecrets(identity, keys.pack, bound);
  const seal = (type: number, i: number, codec: number, body: Uint8Array, plain: number) => {
    const out = new Uint8Array(body.length + 16);
    suite.sealInto(key, frameNonce(nonceBase, i), frameAad(type, i, codec, plain), body, out, 0);
    return out;
  };
  const fixed = 96 + frames.reduce((sum, { body }) => sum + body.length + 16, 0) + 10 * (frames.length + 1) + 16 + 16;
  const zeros = new Uint8Array((65_536 - ((fixed + 16) % 65_536)) % 65_536);
  const all = more.unpadded === true ? frames : [...frames, { type: FRAME_PADDING, body: zeros }];
  const sealed = all.map(({ type = FRAME_DATA, codec = 0, body, plain = body.length }, i) =>
    seal(type, i, codec, body, plain),
  );
  const footer = Buffer.alloc(10 * all.length);
  all.forEach(({ type = FRAME_DATA, codec = 0, body, plain = body.length, row }, i) => {
    footer.writeUInt8(row?.type ?? type, 10 * i);
    footer.writeUInt8(codec, 10 * i + 1);
    footer.writeUInt32BE(row?.stored ?? body.length + 16, 10 * i + 2);
    footer.writeUInt32BE(row?.plain ?? plain, 10 * i + 6);
  });
  const trailer = Buffer.alloc(16);
  trailer.writeUInt32BE(footer.length + 16, 0);
  trailer.writeUInt32BE(all.length, 4);
  TRAILER_MAGIC.copy(trailer, 8);
  const end = seal(FRAME_FOOTER, all.length, 0, footer, footer.length);
  return Buffer.concat([bound, commit, ...sealed, new Uint8Array(more.tail ?? 0), end, trailer]);
}

const body = new Uint8Array(40).fill(1);
const open = (bytes: Uint8Array) => {
  const object = openObject(packOf(bytes));
  return object.rows.map((_, i) => object.frame(i));
};

describe("an object made by whoever holds the keys", () => {
  it("opens where it keeps the rules", () => {
    expect(open(forge([{ body }, { body }])).length).toBe(2);
  });

  it.each<[string, () => Uint8Array, string]>([
    ["frames that end before the footer", () => forge([{ body }], { tail: 65_536 }), "truncated"],
    [
      "a footer that counts more bytes than there are",
      () => forge([{ body, row: { stored: 70_000, plain: 69_984 } }]),
      "truncated",
    ],
    [
      "a footer that counts fewer bytes than there are",
      () => forge([{ body, row: { stored: 46, plain: 30 } }]),
      // Its padding would begin in the middle of the frame.
      "damaged frame",
    ],
    ["a size that is no multiple of 64 KiB", () => forge([{ body }], { unpadded: true }), "truncated"],
    ["padding that is not zero", () => forge([{ type: FRAME_PADDING, body }], { unpadded: true }), "impossible frame"],
    [
      "padding of 64 KiB and more",
      () => forge([{ type: FRAME_PADDING, body: new Uint8Array(65_536) }], { unpadded: true }),
      "impossible frame",
    ],
    ["padding before data", () => forge([{ type: FRAME_PADDING, body }, { body }]), "impossible frame"],
    ["two paddings", () => forge([{ type: FRAME_PADDING, body: new Uint8Array(9) }]), "impossible frame"],
    ["a footer among its frames", () => forge([{ type: FRAME_FOOTER, body }]), "impossible frame"],
    ["a type that is none", () => forge([{ type: 9, body }]), "impossible frame"],
    ["a codec that is none", () => forge([{ codec: 7, body }]), "impossible frame"],
    ["a stored frame of another length", () => forge([{ body, plain: 39 }]), "impossible frame"],
    ["a compressed frame that is no shorter", () => forge([{ codec: 1, body, plain: 40 }]), "impossible frame"],
    [
      "a frame beyond 16 MiB",
      () =>
        forge([{ codec: 1, body: zstdCompressSync(new Uint8Array(MAX_FRAME_PLAIN + 1)), plain: MAX_FRAME_PLAIN + 1 }]),
      "impossible frame",
    ],
    [
      "a bomb that expands beyond what it declares",
      () => forge([{ codec: 1, body: zstdCompressSync(new Uint8Array(8 << 20)), plain: 5000 }]),
      "wrong length after decompression",
    ],
    ["data passed for another type", () => forge([{ type: 7, body, row: { type: FRAME_DATA } }]), "damaged frame"],
  ])("is refused with %s", (_, make, what) => {
    expect(refusal(() => open(make())).what).toBe(what);
  });
});
