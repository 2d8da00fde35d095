import { SUBSTITUTED } from "./memory";

/**
 * The S-box of SM4 (GB/T 32907-2016, section 6.2) as a circuit of 110 gates on 128 inputs at a time: no table, no branch,
 * no address depends on what goes through it.
 *
 * The S-box is A·I(A·x + c) + c, with I the inverse in GF(2^8) modulo x^8+x^7+x^6+x^5+x^4+x^2+1, A the circulant matrix of
 * 0xA7 and c = 0xD3. The inverse is taken in the tower GF(((2^2)^2)^2) with normal bases, as D. Canright did for AES (CHES
 * 2005): with elements a·Y^16 + b·Y its norm a·b + n·(a+b)^2 lies in GF(2^4), and the inverse is (b·Y^16 + a·Y) / norm.
 * Of all towers this one (Y = 0xbe, Z = 0x51, W = 0x5d) gave the fewest gates, by the greedy method of J. Boyar and R.
 * Peralta for the linear parts. Both constants are left out: the round keys take them in (`schedule.ts`).
 *
 * `x0` is the lowest bit. The eight results go to SUBSTITUTED at `at`, 16 bytes each, the lowest bit first.
 */
// @ts-ignore: decorator
@inline
export function substitute(
  x0: v128,
  x1: v128,
  x2: v128,
  x3: v128,
  x4: v128,
  x5: v128,
  x6: v128,
  x7: v128,
  at: usize,
): void {
  // Into the tower: all sums of the halves a and b that the multiplications need.
  const t0 = v128.xor(x1, x7);
  const t1 = v128.xor(x3, x4);
  const t2 = v128.xor(x0, x6);
  const t3 = v128.xor(x1, t2);
  const t4 = v128.xor(x4, t2);
  const t5 = v128.xor(x2, t4);
  const t6 = v128.xor(x2, t3);
  const t7 = v128.xor(x5, t6);
  const t8 = v128.xor(x5, t4);
  const t9 = v128.xor(x0, t5);
  const t10 = v128.xor(t3, t8);
  const t11 = v128.xor(x6, t10);
  const t12 = v128.xor(t9, t11);
  const t13 = v128.xor(t0, t12);
  const t14 = v128.xor(t1, t13);
  const t15 = v128.xor(t1, t11);
  const t16 = v128.xor(t0, t15);
  // The nine products of a·b; the squared sum is folded in by taking "or" and "and not" for some of them.
  const p0 = v128.andnot(t12, t8);
  const p1 = v128.andnot(t9, t3);
  const p2 = v128.andnot(t11, t10);
  const p3 = v128.or(t4, t0);
  const p4 = v128.and(x2, t16);
  const p5 = v128.and(t5, t15);
  const p6 = v128.or(x5, t13);
  const p7 = v128.andnot(t14, t6);
  const p8 = v128.and(t7, t1);
  // The norm.
  const u = v128.xor(p6, p7);
  const w = v128.xor(p6, p8);
  const d3 = v128.xor(p0, p2);
  const d2 = v128.xor(p1, p2);
  const d1 = v128.xor(p3, p5);
  const d0 = v128.xor(p4, p5);
  const d3a = v128.xor(d3, u);
  const d3b = v128.xor(d3a, x7);
  const d2a = v128.xor(d2, w);
  const d2b = v128.xor(d2a, t8);
  const d1a = v128.xor(d1, u);
  const d1b = v128.xor(d1a, t6);
  const d0a = v128.xor(d0, w);
  const d0b = v128.xor(d0a, x6);
  // Its inverse in GF(2^4), and the sums of that.
  const pq = v128.xor(d3b, d2b);
  const rs = v128.xor(d1b, d0b);
  const c1a = v128.and(d3b, d1b);
  const c1b = v128.or(pq, rs);
  const i0 = v128.xor(c1a, c1b);
  const c0a = v128.or(d2b, d0b);
  const c0b = v128.and(pq, rs);
  const i1 = v128.xor(c0a, c0b);
  const is = v128.xor(i1, i0);
  const h = v128.and(is, rs);
  const e3a = v128.and(i1, d1b);
  const e2a = v128.and(i0, d0b);
  const e3 = v128.xor(e3a, h);
  const e2 = v128.xor(e2a, h);
  const g = v128.and(is, pq);
  const e1a = v128.and(i1, d3b);
  const e0a = v128.and(i0, d2b);
  const e1 = v128.xor(e1a, g);
  const e0 = v128.xor(e0a, g);
  const e32 = v128.xor(e3, e2);
  const e10 = v128.xor(e1, e0);
  const e31 = v128.xor(e3, e1);
  const e20 = v128.xor(e2, e0);
  const ea = v128.xor(e32, e10);
  // Times b and times a, nine products each.
  const m0 = v128.and(e3, t12);
  const m1 = v128.and(e2, t9);
  const m2 = v128.and(e32, t11);
  const m3 = v128.and(e1, t0);
  const m4 = v128.and(e0, t16);
  const m5 = v128.and(e10, t15);
  const m6 = v128.and(e31, t13);
  const m7 = v128.and(e20, t14);
  const m8 = v128.and(ea, t1);
  const m9 = v128.and(e3, t8);
  const m10 = v128.and(e2, t3);
  const m11 = v128.and(e32, t10);
  const m12 = v128.and(e1, t4);
  const m13 = v128.and(e0, x2);
  const m14 = v128.and(e10, t5);
  const m15 = v128.and(e31, x5);
  const m16 = v128.and(e20, t6);
  const m17 = v128.and(ea, t7);
  // Out of the tower, through A.
  const n0 = v128.xor(m15, m11);
  const n1 = v128.xor(m14, m11);
  const n2 = v128.xor(m17, m10);
  const n3 = v128.xor(m13, m10);
  const n4 = v128.xor(m12, n1);
  const n5 = v128.xor(n3, n1);
  const n6 = v128.xor(m0, m3);
  const n7 = v128.xor(m7, m3);
  const n8 = v128.xor(m2, m5);
  const n9 = v128.xor(m6, m5);
  const n10 = v128.xor(n2, n0);
  const n11 = v128.xor(m16, n0);
  const n12 = v128.xor(m8, n9);
  const n13 = v128.xor(n7, n9);
  const n14 = v128.xor(n4, n11);
  const n15 = v128.xor(m9, n11);
  const n16 = v128.xor(n5, n13);
  const n17 = v128.xor(n16, n15);
  const n18 = v128.xor(m1, n15);
  const n19 = v128.xor(n8, n6);
  const n20 = v128.xor(n18, n6);
  const n21 = v128.xor(m4, n20);
  const n22 = v128.xor(n12, n20);
  const n23 = v128.xor(n16, n22);
  const n24 = v128.xor(n17, n21);
  const n25 = v128.xor(n10, n21);
  const n26 = v128.xor(n19, n14);
  const n27 = v128.xor(n23, n14);
  v128.store(SUBSTITUTED + at, n13, 0);
  v128.store(SUBSTITUTED + at, n26, 16);
  v128.store(SUBSTITUTED + at, n22, 32);
  v128.store(SUBSTITUTED + at, n24, 48);
  v128.store(SUBSTITUTED + at, n25, 64);
  v128.store(SUBSTITUTED + at, n27, 80);
  v128.store(SUBSTITUTED + at, n10, 96);
  v128.store(SUBSTITUTED + at, n23, 112);
}
