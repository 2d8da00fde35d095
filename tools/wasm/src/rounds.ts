import { ROUND_KEYS, STATE, SUBSTITUTED } from "./memory";
import { substitute } from "./sbox";

// @ts-ignore: decorator
@inline
function plane(word: usize, p: usize): v128 {
  return v128.load(word + (p << 4));
}

/** Bit `j` of what goes into the S-boxes of byte `q`: X1 + X2 + X3 + round key. */
// @ts-ignore: decorator
@inline
function inputBit(b: usize, c: usize, d: usize, key: usize, q: usize, j: usize): v128 {
  const p = (q << 3) + j;
  return v128.xor(v128.xor(plane(b, p), plane(c, p)), v128.xor(plane(d, p), v128.load_splat<u32>(key + (p << 2))));
}

/** The S-boxes of byte `q` of the word, in all 128 blocks. */
// @ts-ignore: decorator
@inline
function substituteByte(b: usize, c: usize, d: usize, key: usize, q: usize): void {
  substitute(
    inputBit(b, c, d, key, q, 0),
    inputBit(b, c, d, key, q, 1),
    inputBit(b, c, d, key, q, 2),
    inputBit(b, c, d, key, q, 3),
    inputBit(b, c, d, key, q, 4),
    inputBit(b, c, d, key, q, 5),
    inputBit(b, c, d, key, q, 6),
    inputBit(b, c, d, key, q, 7),
    q << 7,
  );
}

// @ts-ignore: decorator
@inline
function addTo(word: usize, q: usize, j: usize, x: v128, y: v128): void {
  const at = word + (q << 7) + (j << 4);
  v128.store(at, v128.xor(v128.load(at), v128.xor(x, y)));
}

/**
 * Bit `j` of all four bytes of X0 + L(B), L(B) = B + (B <<< 2) + (B <<< 10) + (B <<< 18) + (B <<< 24). Rotations by bytes are a
 * choice of planes; the three others share bit `j - 2`, in the byte before where `j` is 0 or 1.
 */
// @ts-ignore: decorator
@inline
function mixBit(word: usize, j: usize): void {
  const a0 = plane(SUBSTITUTED, j);
  const a1 = plane(SUBSTITUTED, 8 + j);
  const a2 = plane(SUBSTITUTED, 16 + j);
  const a3 = plane(SUBSTITUTED, 24 + j);
  const k = (j + 6) & 7;
  const b0 = plane(SUBSTITUTED, k);
  const b1 = plane(SUBSTITUTED, 8 + k);
  const b2 = plane(SUBSTITUTED, 16 + k);
  const b3 = plane(SUBSTITUTED, 24 + k);
  const sum = v128.xor(v128.xor(b0, b1), v128.xor(b2, b3));
  // d[q] = b[q] + b[q-1] + b[q-2], which is the sum without b[q+1].
  const d0 = v128.xor(sum, b1);
  const d1 = v128.xor(sum, b2);
  const d2 = v128.xor(sum, b3);
  const d3 = v128.xor(sum, b0);
  addTo(word, 0, j, v128.xor(a0, a1), j < 2 ? d3 : d0);
  addTo(word, 1, j, v128.xor(a1, a2), j < 2 ? d0 : d1);
  addTo(word, 2, j, v128.xor(a2, a3), j < 2 ? d1 : d2);
  addTo(word, 3, j, v128.xor(a3, a0), j < 2 ? d2 : d3);
}

function round(a: usize, b: usize, c: usize, d: usize, key: usize): void {
  substituteByte(b, c, d, key, 0);
  substituteByte(b, c, d, key, 1);
  substituteByte(b, c, d, key, 2);
  substituteByte(b, c, d, key, 3);
  mixBit(a, 0);
  mixBit(a, 1);
  mixBit(a, 2);
  mixBit(a, 3);
  mixBit(a, 4);
  mixBit(a, 5);
  mixBit(a, 6);
  mixBit(a, 7);
}

/** All 32 rounds on STATE. After them word 3 is the first of the ciphertext. */
export function encryptState(): void {
  const w0 = STATE;
  const w1 = STATE + 512;
  const w2 = STATE + 1024;
  const w3 = STATE + 1536;
  for (let key: usize = ROUND_KEYS; key < ROUND_KEYS + 4096; key += 512) {
    round(w0, w1, w2, w3, key);
    round(w1, w2, w3, w0, key + 128);
    round(w2, w3, w0, w1, key + 256);
    round(w3, w0, w1, w2, key + 384);
  }
}
