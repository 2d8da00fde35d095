import { FIRST_ROW, NIBBLES, PRODUCT, SUMS, TABLE_H, TABLE_H16, TABLE_ROWS } from "./memory";

// GHASH (NIST SP 800-38D section 6.4). Bit 0 of a block, the top bit of its first byte, is the coefficient of x^0, so times x
// is a shift to the right through the bytes. Products are looked up by nibbles, 16 at once, in tables that lie in
// registers: what is fetched from memory, and in which order, depends on no secret. A relaxed swizzle is one instruction and
// differs from the strict one for indices above 15 alone, which no nibble is.

/** Byte n: 0xff where nibble n has the bit. */
// @ts-ignore: decorator
@lazy const WITH_8 = i8x16(0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1);
// @ts-ignore: decorator
@lazy const WITH_4 = i8x16(0, 0, 0, 0, -1, -1, -1, -1, 0, 0, 0, 0, -1, -1, -1, -1);
// @ts-ignore: decorator
@lazy const WITH_2 = i8x16(0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1);
// @ts-ignore: decorator
@lazy const WITH_1 = i8x16(0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1);

/** 16 bytes that choose nothing, 0 to 15, and 16 more: a window on it moves bytes up or down. */
const WINDOW = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
  13, 14, 15, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
]);

/** The bytes of `x` moved to the place `by` bytes later; zeros come in. */
// @ts-ignore: decorator
@inline
function movedUp(x: v128, by: usize): v128 {
  return v128.swizzle(x, v128.load(WINDOW + 16 - by));
}

/** What leaves at the end when moved up: the place counted from 16. */
// @ts-ignore: decorator
@inline
function movedOut(x: v128, by: usize): v128 {
  return v128.swizzle(x, v128.load(WINDOW + 32 - by));
}

// @ts-ignore: decorator
@inline
function highNibbles(x: v128): v128 {
  return v128.and(v128.shr<u16>(x, 4), i8x16.splat(0x0f));
}

// @ts-ignore: decorator
@inline
function lowNibbles(x: v128): v128 {
  return v128.and(x, i8x16.splat(0x0f));
}

/** Of each byte b at x^128: what b·(1 + x + x^2 + x^7) leaves in its own byte, b ^ b>>1 ^ b>>2 ^ b>>7. */
// @ts-ignore: decorator
@inline
function foldHere(high: v128, low: v128): v128 {
  return v128.xor(
    v128.relaxed_swizzle(i8x16(0, 28, 56, 36, 112, 108, 72, 84, -31, -3, -39, -59, -111, -115, -87, -75), high),
    v128.relaxed_swizzle(i8x16(0, 1, 3, 2, 7, 6, 4, 5, 14, 15, 13, 12, 9, 8, 10, 11), low),
  );
}

/** And what it leaves in the next: b<<7 ^ b<<6 ^ b<<1. */
// @ts-ignore: decorator
@inline
function foldNext(high: v128, low: v128): v128 {
  return v128.xor(
    v128.relaxed_swizzle(i8x16(0, 32, 64, 96, -128, -96, -64, -32, 0, 32, 64, 96, -128, -96, -64, -32), high),
    v128.relaxed_swizzle(i8x16(0, -62, -124, 70, 8, -54, -116, 78, 16, -46, -108, 86, 24, -38, -100, 94), low),
  );
}

/** Fills a table with the products of all nibbles and `h`: of high nibbles, then of low ones, which are x^4 later. */
function fillTable(table: usize, h: v128): void {
  v128.store(PRODUCT, h);
  v128.store(PRODUCT, i8x16.splat(0), 16);
  let before: u32 = 0;
  for (let k: usize = 0; k <= 16; k++) {
    const both = (before << 8) | load<u8>(PRODUCT + k);
    before = both & 0xff;
    for (let half: u32 = 0; half < 2; half++) {
      const by = half << 2;
      const row = v128.xor(
        v128.xor(v128.and(i8x16.splat(<i8>(both >> by)), WITH_8), v128.and(i8x16.splat(<i8>(both >> (by + 1))), WITH_4)),
        v128.xor(v128.and(i8x16.splat(<i8>(both >> (by + 2))), WITH_2), v128.and(i8x16.splat(<i8>(both >> (by + 3))), WITH_1)),
      );
      v128.store(table + ((<usize>half * TABLE_ROWS + FIRST_ROW + k) << 4), row);
    }
  }
}

/** One block times H: `block` holds its 16 bytes. */
export function timesH(block: v128): v128 {
  const high = highNibbles(block);
  const low = lowNibbles(block);
  let result = i8x16.splat(0);
  let over = i8x16.splat(0);
  for (let k: usize = 0; k <= 16; k++) {
    const row = TABLE_H + ((FIRST_ROW + k) << 4);
    const part = v128.xor(
      v128.relaxed_swizzle(v128.load(row), high),
      v128.relaxed_swizzle(v128.load(row + (TABLE_ROWS << 4)), low),
    );
    result = v128.xor(result, movedUp(part, k));
    over = v128.xor(over, movedOut(part, k));
  }
  const next = foldNext(highNibbles(over), lowNibbles(over));
  result = v128.xor(result, v128.xor(foldHere(highNibbles(over), lowNibbles(over)), movedUp(next, 1)));
  // The last byte's rest went over the end once more.
  const rest = movedOut(next, 1);
  const h = highNibbles(rest);
  const l = lowNibbles(rest);
  return v128.xor(result, v128.xor(foldHere(h, l), movedUp(foldNext(h, l), 1)));
}

/** Readies the tables of H and of H^16. */
export function setHashKey(h: v128): void {
  let power = h;
  for (let n: i32 = 0; n < 4; n++) {
    fillTable(TABLE_H, power);
    power = timesH(power);
  }
  fillTable(TABLE_H16, power);
  fillTable(TABLE_H, h);
}

/** The sum of a row of products for one byte of the result. */
// @ts-ignore: decorator
@inline
function looked(r0: v128, n0: v128, r1: v128, n1: v128, r2: v128, n2: v128, r3: v128, n3: v128): v128 {
  return v128.xor(
    v128.xor(v128.relaxed_swizzle(r0, n0), v128.relaxed_swizzle(r1, n1)),
    v128.xor(v128.relaxed_swizzle(r2, n2), v128.relaxed_swizzle(r3, n3)),
  );
}

/** SUMS times H^16, all 16 at once. */
function multiplySums(): void {
  for (let i: usize = 0; i < 256; i += 16) {
    const y = v128.load(SUMS + i);
    v128.store(NIBBLES + i, highNibbles(y));
    v128.store(NIBBLES + i, lowNibbles(y), 256);
  }
  // Byte j of the product is the sum of rows j - i times nibbles of byte i; both run in steps of four.
  for (let j: usize = 0; j < 32; j += 4) {
    const first: usize = j > 16 ? j - 16 : 0;
    const last: usize = j < 12 ? j : 12;
    let p0 = i8x16.splat(0);
    let p1 = p0;
    let p2 = p0;
    let p3 = p0;
    for (let half: usize = 0; half < 2; half++) {
      let nibbles = NIBBLES + (half << 8) + (first << 4);
      let rows = TABLE_H16 + ((half * TABLE_ROWS + FIRST_ROW - 3 + j - first) << 4);
      for (let i = first; i <= last; i += 4) {
        const n0 = v128.load(nibbles);
        const n1 = v128.load(nibbles, 16);
        const n2 = v128.load(nibbles, 32);
        const n3 = v128.load(nibbles, 48);
        const r0 = v128.load(rows);
        const r1 = v128.load(rows, 16);
        const r2 = v128.load(rows, 32);
        const r3 = v128.load(rows, 48);
        const r4 = v128.load(rows, 64);
        const r5 = v128.load(rows, 80);
        const r6 = v128.load(rows, 96);
        p0 = v128.xor(p0, looked(r3, n0, r2, n1, r1, n2, r0, n3));
        p1 = v128.xor(p1, looked(r4, n0, r3, n1, r2, n2, r1, n3));
        p2 = v128.xor(p2, looked(r5, n0, r4, n1, r3, n2, r2, n3));
        p3 = v128.xor(p3, looked(r6, n0, r5, n1, r4, n2, r3, n3));
        nibbles += 64;
        rows -= 64;
      }
    }
    v128.store(PRODUCT + (j << 4), p0);
    v128.store(PRODUCT + (j << 4), p1, 16);
    v128.store(PRODUCT + (j << 4), p2, 32);
    v128.store(PRODUCT + (j << 4), p3, 48);
  }
  for (let m: usize = 240; ; m -= 16) {
    const over = v128.load(PRODUCT + m, 256);
    const high = highNibbles(over);
    const low = lowNibbles(over);
    v128.store(PRODUCT + m, v128.xor(v128.load(PRODUCT + m), foldHere(high, low)));
    v128.store(PRODUCT + m, v128.xor(v128.load(PRODUCT + m, 16), foldNext(high, low)), 16);
    if (m === 0) break;
  }
}

/** The 16 sums go on by the group at `bytes`, transposed: Y·H^16 + C. */
export function absorbGroup(bytes: usize): void {
  multiplySums();
  for (let i: usize = 0; i < 256; i += 16) {
    v128.store(SUMS + i, v128.xor(v128.load(PRODUCT + i), v128.load(bytes + i)));
  }
}
