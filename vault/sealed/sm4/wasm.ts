import { timingSafeEqual } from "node:crypto";
import { type Aead, type AeadKey, TAG_BYTES } from "../suites/aead.ts";
import { WASM_CODE } from "./wasm-code.ts";

/** As much of WebAssembly as is used here: Node's types leave it to the browser's. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** What the module gives (tools/wasm/src/main.ts). */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  inputAt(): number;
  outputAt(): number;
  textAt(): number;
  room(): number;
  setKey(): void;
  encryptBlock(): void;
  begin(): void;
  authenticate(length: number): void;
  seal(length: number): void;
  open(length: number): void;
  finish(): void;
}

const BLOCK = 16;
/** Bytes that the first piece of a text lacks: the two blocks of its batch that are not the text's. */
const FIRST_LACKS = 2 * BLOCK;

export interface WasmSm4 {
  readonly aead: Aead;
  /** SM4 of single blocks, for test vectors. */
  blockCipher(key: Uint8Array): (block: Uint8Array) => Uint8Array;
}

/**
 * SM4-GCM in our own WebAssembly SIMD: constant-time, the same on every machine, a third slower than libgcrypt's vector
 * code. One instance a thread; texts go through it in pieces of 64 KiB, so its memory is 128 KiB whatever their length.
 * @throws Error where this Node has no WebAssembly or the processor no SIMD.
 */
export function wasmSm4(): WasmSm4 {
  const module = new WebAssembly.Module(Buffer.from(WASM_CODE, "base64"));
  const wasm = new WebAssembly.Instance(module).exports as Exports;
  const memory = new Uint8Array(wasm.memory.buffer);
  const [input, output, text, room] = [wasm.inputAt(), wasm.outputAt(), wasm.textAt(), wasm.room()];
  let current: Uint8Array | null = null;

  function useKey(key: Uint8Array): void {
    if (current === key) return;
    memory.set(key, input);
    wasm.setKey();
    memory.fill(0, input, input + BLOCK);
    current = key;
  }

  /** Seals or opens `from` into `to`, and leaves the tag at `output`. */
  function run(
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    from: Uint8Array,
    to: Uint8Array,
    isSealing: boolean,
  ) {
    useKey(key);
    memory.set(nonce, input);
    wasm.begin();
    for (let at = 0; at < aad.length; at += BLOCK) {
      const block = aad.subarray(at, at + BLOCK);
      memory.fill(0, input, input + BLOCK);
      memory.set(block, input);
      wasm.authenticate(block.length);
    }
    let lacks = FIRST_LACKS;
    for (let at = 0; at < from.length; ) {
      const piece = from.subarray(at, at + room - lacks);
      const begin = text + lacks;
      memory.set(piece, begin);
      if (isSealing) wasm.seal(piece.length);
      else wasm.open(piece.length);
      to.set(memory.subarray(begin, begin + piece.length), at);
      at += piece.length;
      lacks = 0;
    }
    memory.fill(0, text, text + Math.min(room, from.length + FIRST_LACKS));
    wasm.finish();
  }

  const aead: Aead = {
    prepare(bytes): AeadKey {
      const key = Uint8Array.from(bytes);
      return {
        sealInto(nonce, aad, plain, out, at) {
          run(key, nonce, aad, plain, out.subarray(at), true);
          out.set(memory.subarray(output, output + TAG_BYTES), at + plain.length);
        },
        open(nonce, aad, sealed) {
          const end = sealed.length - TAG_BYTES;
          const plain = new Uint8Array(end);
          run(key, nonce, aad, sealed.subarray(0, end), plain, false);
          if (timingSafeEqual(memory.subarray(output, output + TAG_BYTES), sealed.subarray(end))) return plain;
          plain.fill(0);
          return null;
        },
      };
    },
  };
  return {
    aead,
    blockCipher(bytes) {
      const key = Uint8Array.from(bytes);
      return (block) => {
        useKey(key);
        memory.set(block, input);
        wasm.encryptBlock();
        return memory.slice(output, output + BLOCK);
      };
    },
  };
}
