import { absorbGroup, setHashKey, timesH } from "./ghash";
import { BATCH, GROUP, INPUT, KEYSTREAM, OUTPUT, ROOM, ROUND_KEYS, STATE, SUMS, TABLE_H, TEXT } from "./memory";
import { encryptState } from "./rounds";
import { expandKey } from "./schedule";
import { planesToBytes, transposeBytes } from "./transpose";

/** SM4-GCM (RFC 8998) of one message at a time: `setKey`, then `begin`, `authenticate`…, `seal` or `open`…, `finish`. */

// Of the message under way.
let nonce0: u32 = 0;
let nonce1: u32 = 0;
let nonce2: u32 = 0;
/** Counter of the first block of the next batch; a multiple of 128. */
let counter: u32 = 0;
/** The GHASH of everything before the sums, and whether the sums hold anything. */
let hash: v128 = i8x16.splat(0);
let summing: bool = false;
/** What covers the tag: the block of counter 1. */
let cover: v128 = i8x16.splat(0);
/** True until the batch of counters 0 to 127, whose first two are not the text's, is used up. */
let isFirst: bool = false;
let hashed: u64 = 0;
let sealed: u64 = 0;

export function inputAt(): usize {
  return INPUT;
}

export function outputAt(): usize {
  return OUTPUT;
}

export function textAt(): usize {
  return TEXT;
}

// @ts-ignore: decorator
@inline
function setWord(word: usize, value: u32, from: u32): void {
  for (let p = from; p < 32; p++) v128.store(STATE + word + (p << 4), i8x16.splat(<i8>(0 - ((value >> p) & 1))));
}

/** The keystream of the 128 counters from `first` on; `first` is a multiple of 128. */
function makeKeystream(first: u32): void {
  setWord(0, nonce0, 0);
  setWord(512, nonce1, 0);
  setWord(1024, nonce2, 0);
  // Byte t, bit r of a plane is block 16·r + t, so the low seven bits of the counter are the same in every batch.
  v128.store(STATE + 1536, i8x16(0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1));
  v128.store(STATE + 1552, i8x16(0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1));
  v128.store(STATE + 1568, i8x16(0, 0, 0, 0, -1, -1, -1, -1, 0, 0, 0, 0, -1, -1, -1, -1));
  v128.store(STATE + 1584, i8x16(0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1));
  v128.store(STATE + 1600, i8x16.splat(<i8>0xaa));
  v128.store(STATE + 1616, i8x16.splat(<i8>0xcc));
  v128.store(STATE + 1632, i8x16.splat(<i8>0xf0));
  setWord(1536, first, 7);
  encryptState();
  planesToBytes();
}

/** Block `n` of the keystream. Which one is asked for is no secret. */
function keystreamBlock(n: usize): v128 {
  transposeBytes(KEYSTREAM + ((n >> 4) << 8), GROUP);
  return v128.load(GROUP + ((n & 15) << 4));
}

/** Takes the key in INPUT. */
export function setKey(): void {
  expandKey();
  nonce0 = 0;
  nonce1 = 0;
  nonce2 = 0;
  makeKeystream(0);
  setHashKey(keystreamBlock(0));
}

/** The block in INPUT, encrypted, in OUTPUT: SM4 as such. */
export function encryptBlock(): void {
  nonce0 = bswap(load<u32>(INPUT));
  nonce1 = bswap(load<u32>(INPUT, 4));
  nonce2 = bswap(load<u32>(INPUT, 8));
  const last = bswap(load<u32>(INPUT, 12));
  makeKeystream(last & ~127);
  v128.store(OUTPUT, keystreamBlock(last & 127));
}

/** Begins a message with the nonce in the first 12 bytes of INPUT. */
export function begin(): void {
  nonce0 = bswap(load<u32>(INPUT));
  nonce1 = bswap(load<u32>(INPUT, 4));
  nonce2 = bswap(load<u32>(INPUT, 8));
  makeKeystream(0);
  cover = keystreamBlock(1);
  counter = 128;
  hash = i8x16.splat(0);
  summing = false;
  isFirst = true;
  hashed = 0;
  sealed = 0;
}

/** The next 16 bytes of associated data, in INPUT; of the last ones `length` count, and zeros follow them. */
export function authenticate(length: u32): void {
  hash = timesH(v128.xor(hash, v128.load(INPUT)));
  hashed += length;
}

/** Ends the sums: sum n times H^(16 - n), all added up. */
function closeSums(): void {
  if (!summing) return;
  summing = false;
  transposeBytes(SUMS, GROUP);
  let all = i8x16.splat(0);
  for (let n: usize = 0; n < 256; n += 16) all = timesH(v128.xor(all, v128.load(GROUP + n)));
  hash = all;
}

/** A whole group of 16 blocks, of which the first `skipped` are none of the text. */
function cryptGroup(text: usize, keystream: usize, skipped: usize, isSealing: bool): void {
  transposeBytes(keystream, GROUP);
  for (let n = skipped << 4; n < 256; n += 16) {
    const before = v128.load(text + n);
    const after = v128.xor(before, v128.load(GROUP + n));
    v128.store(text + n, after);
    v128.store(GROUP + n, isSealing ? after : before);
  }
  if (!summing) {
    // What was hashed so far joins the first block: blocks of zeros before it change nothing.
    for (let n: usize = 0; n < 256; n += 16) v128.store(SUMS + n, i8x16.splat(0));
    for (let n: usize = 0; n < skipped << 4; n += 16) v128.store(GROUP + n, i8x16.splat(0));
    v128.store(GROUP + (skipped << 4), v128.xor(v128.load(GROUP + (skipped << 4)), hash));
    summing = true;
  }
  transposeBytes(GROUP, GROUP);
  absorbGroup(GROUP);
}

/** The end of a text, less than a group: block by block, the last one perhaps in part. */
function cryptRest(text: usize, keystream: usize, skipped: usize, length: usize, isSealing: bool): void {
  closeSums();
  transposeBytes(keystream, GROUP);
  let at: usize = skipped << 4;
  const end = at + length;
  for (; at < end; at += 16) {
    const rest = end - at;
    let before = v128.load(text + at);
    let stream = v128.load(GROUP + at);
    if (rest < 16) {
      const inside = v128.lt<u8>(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), i8x16.splat(<i8>rest));
      before = v128.and(before, inside);
      stream = v128.and(stream, inside);
    }
    const after = v128.xor(before, stream);
    v128.store(text + at, after);
    hash = timesH(v128.xor(hash, isSealing ? after : before));
  }
}

/**
 * Seals or opens `length` bytes of TEXT in place. The first call of a message takes at most ROOM - 32 bytes that begin at
 * TEXT + 32, every other at most ROOM at TEXT. Only the last may end elsewhere than at the end of a group: the first takes
 * 32 bytes less than a multiple of 256, the others a multiple of 256.
 */
function crypt(length: usize, isSealing: bool): void {
  sealed += length;
  let skipped: usize = isFirst ? 2 : 0;
  const end = TEXT + (skipped << 4) + length;
  for (let batch: usize = TEXT; batch < end; batch += BATCH) {
    if (!isFirst) {
      makeKeystream(counter);
      counter += 128;
    }
    isFirst = false;
    for (let r: usize = 0; r < BATCH && batch + r < end; r += 256) {
      const text = batch + r;
      if (end - text >= 256) cryptGroup(text, KEYSTREAM + r, skipped, isSealing);
      else cryptRest(text, KEYSTREAM + r, skipped, end - text - (skipped << 4), isSealing);
      skipped = 0;
    }
  }
}

export function seal(length: usize): void {
  crypt(length, true);
}

export function open(length: usize): void {
  crypt(length, false);
}

/** Ends the message: its tag is in OUTPUT. Forgets all of the message that is secret. */
export function finish(): void {
  closeSums();
  const lengths = i64x2(bswap(hashed << 3), bswap(sealed << 3));
  hash = timesH(v128.xor(hash, lengths));
  v128.store(OUTPUT, v128.xor(hash, cover));
  hash = i8x16.splat(0);
  cover = hash;
  memory.fill(STATE, 0, 2048);
  memory.fill(KEYSTREAM, 0, 2048);
  memory.fill(GROUP, 0, 256);
  memory.fill(SUMS, 0, 256);
}

/** Bytes of TEXT. */
export function room(): i32 {
  return ROOM;
}

/** Forgets the key. */
export function forget(): void {
  memory.fill(ROUND_KEYS, 0, 4096);
  memory.fill(TABLE_H, 0, 1472);
  memory.fill(INPUT, 0, 16);
}
