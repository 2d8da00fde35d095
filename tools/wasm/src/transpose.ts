import { KEYSTREAM, SCRATCH, STATE } from "./memory";

/** Swaps the bits that `mask` names, shifted up by `by`, of one plane with those of the other. */
// @ts-ignore: decorator
@inline
function swapBits(low: usize, high: usize, by: i32, mask: v128): void {
  const a = v128.load(low);
  const b = v128.load(high);
  const t = v128.and(v128.xor(v128.shr<u64>(a, by), b), mask);
  v128.store(high, v128.xor(b, t));
  v128.store(low, v128.xor(a, v128.shl<u64>(t, by)));
}

/**
 * The encrypted STATE as KEYSTREAM: 8 planes of one byte of the block become 8 vectors of that byte, one for each group of 16
 * blocks. Each vector's byte `t`, bit `r` is block 16·r + t, so this transposes 8 × 8 bits sixteen times at once.
 */
export function planesToBytes(): void {
  for (let i: usize = 0; i < 16; i++) {
    // Byte i of the block: word i/4 from the back, its bytes from the top.
    const at = STATE + ((3 - (i >> 2)) << 9) + ((3 - (i & 3)) << 7);
    for (let k: usize = 0; k < 64; k += 16) swapBits(at + k, at + k + 64, 4, i8x16.splat(0x0f));
    for (let k: usize = 0; k < 128; k += 64) {
      swapBits(at + k, at + k + 32, 2, i8x16.splat(0x33));
      swapBits(at + k + 16, at + k + 48, 2, i8x16.splat(0x33));
    }
    for (let k: usize = 0; k < 128; k += 32) swapBits(at + k, at + k + 16, 1, i8x16.splat(0x55));
    for (let r: usize = 0; r < 8; r++) v128.store(KEYSTREAM + (r << 8) + (i << 4), v128.load(at + (r << 4)));
  }
}

// @ts-ignore: decorator
@inline
function interleave(from: usize, to: usize, k: usize): void {
  const a = v128.load(from + (k << 4));
  const b = v128.load(from + (k << 4), 128);
  v128.store(to + (k << 5), v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  v128.store(to + (k << 5), v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 16);
}

/** Each interleaving turns the eight bits of a byte's place (row, column) by one; four of them swap row and column. */
function interleaveAll(from: usize, to: usize): void {
  interleave(from, to, 0);
  interleave(from, to, 1);
  interleave(from, to, 2);
  interleave(from, to, 3);
  interleave(from, to, 4);
  interleave(from, to, 5);
  interleave(from, to, 6);
  interleave(from, to, 7);
}

/** 16 blocks of 16 bytes to 16 vectors of one byte of each, or back; `to` must not be SCRATCH, and may be `from`. */
export function transposeBytes(from: usize, to: usize): void {
  interleaveAll(from, SCRATCH);
  interleaveAll(SCRATCH, to);
  interleaveAll(to, SCRATCH);
  interleaveAll(SCRATCH, to);
}
