import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wasmSm4 } from "../../../../vault/sealed/sm4/wasm.ts";
import { casesOf, fromHex, toHex } from "../../../vectors/read.ts";

const { aead, blockCipher } = wasmSm4();
const encryptBlock = (key: Uint8Array, block: Uint8Array) => blockCipher(key)(block);

function node(key: Uint8Array, block: Uint8Array): Uint8Array {
  return createCipheriv("sm4-ecb", key, null).setAutoPadding(false).update(block);
}

describe("SM4 in WebAssembly", () => {
  it.each(casesOf("sm4").filter(({ times }) => times === "1"))("encrypts as published: $source", (vector) => {
    expect(toHex(encryptBlock(fromHex(vector.key), fromHex(vector.plain)))).toBe(vector.sealed);
  });

  it("encrypts any block under any key as node:crypto does", () => {
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(bytes, bytes, (key, block) => {
        expect(toHex(encryptBlock(key, block))).toBe(toHex(node(key, block)));
      }),
      { numRuns: 200 },
    );
  });

  it("has the S-box right in every byte, for all that may go into it", () => {
    const key = new Uint8Array(16);
    for (let byte = 0; byte < 256; byte++) {
      const block = new Uint8Array(16).fill(byte);
      expect(toHex(encryptBlock(key, block))).toBe(toHex(node(key, block)));
      key.fill(byte);
      expect(toHex(encryptBlock(key, block))).toBe(toHex(node(key, block)));
    }
  });

  it("counts on past every batch up to the end of the counter's lower bits", () => {
    // 5 MiB: more than 2^18 blocks, so that carries reach the third byte.
    const [key, nonce, none] = [fromHex("0123456789abcdeffedcba9876543210"), new Uint8Array(12), new Uint8Array(0)];
    const plain = new Uint8Array(5 * 1024 * 1024 + 5);
    const out = new Uint8Array(plain.length + 16);
    aead.prepare(key).sealInto(nonce, none, plain, out, 0);
    const first = Uint8Array.of(...nonce, 0, 0, 0, 2);
    const expected = createCipheriv("sm4-ctr", key, first).update(plain);
    expect(Buffer.compare(out.subarray(0, plain.length), expected)).toBe(0);
  });
});
