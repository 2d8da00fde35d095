import { createHash } from "node:crypto";

/** A block as the demo's chain defines it: `hash` is SHA-256 over the parent's hash, the height and the payload. */
export interface Block {
  readonly height: number;
  readonly hash: Buffer;
  readonly payload: Buffer;
}

/** What the first block (height 1) names as its parent. */
export const GENESIS = Buffer.alloc(32);

const VERBS = ["transfer", "stake", "unstake", "vote", "call", "deploy", "claim", "burn"];
const CONTRACTS = 64;
const ACCOUNTS = 4096;

/**
 * The payload of the block at `height`: nothing but the height decides it, so anyone can tell what a node must hold.
 * Like a real chain's blocks it mixes text that compresses well (calls between a few thousand accounts) with bytes that
 * do not (64-byte signatures, and now and then a larger blob), 300 bytes to some 20 KiB in all.
 */
export function payloadAt(height: number): Buffer {
  const next = numbersFrom(height);
  const parts: Buffer[] = [];
  const calls = 1 + (next() % 20);
  for (let index = 0; index < calls; index++) {
    const verb = VERBS[next() % VERBS.length];
    const from = (next() % ACCOUNTS).toString(16).padStart(40, "0");
    const to = (next() % CONTRACTS).toString(16).padStart(40, "c");
    const text = `{"height":${height},"index":${index},"method":"${verb}","from":"hx${from}","to":"cx${to}","value":"${next() % 1_000_000}","fee":"12500000000","memo":"${"-".repeat(next() % 64)}"}\n`;
    parts.push(Buffer.from(text, "latin1"), noise(64, next));
  }
  if (next() % 8 === 0) parts.push(noise(4 * (next() % 4096), next));
  return Buffer.concat(parts);
}

/** The hash that ties a block to all before it. */
export function hashBlock(parent: Uint8Array, height: number, payload: Uint8Array): Buffer {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(height));
  return createHash("sha256").update(parent).update(number).update(payload).digest();
}

/** The block after `parent`. */
export function nextBlock(parent: { readonly height: number; readonly hash: Uint8Array }): Block {
  const height = parent.height + 1;
  const payload = payloadAt(height);
  return { height, payload, hash: hashBlock(parent.hash, height, payload) };
}

/** Key of a block in the node's database; sorts by height. */
export function blockKey(height: number): string {
  return `block/${height.toString().padStart(12, "0")}`;
}

/** Value of a block in the node's database: hash, then payload. */
export function encodeBlock(block: Block): Buffer {
  return Buffer.concat([block.hash, block.payload]);
}

/** An endless row of 32-bit numbers that looks random and depends on `seed` only. */
function numbersFrom(seed: number): () => number {
  // Neighbouring seeds are scattered first: counting up from them, their rows would be one another's shifted by one.
  let state = scatter(Math.imul(seed, 0x85ebca6b) ^ 0x5bd1e995);
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    return scatter(state);
  };
}

function scatter(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x21f0aaad);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

function noise(bytes: number, next: () => number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes);
  for (let offset = 0; offset + 4 <= bytes; offset += 4) buffer.writeUInt32LE(next(), offset);
  return buffer;
}
