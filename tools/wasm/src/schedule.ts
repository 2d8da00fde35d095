import { INPUT, ROUND_KEYS, SUBSTITUTED } from "./memory";
import { substitute } from "./sbox";

/** Bit `j` of the four bytes of a word, each in a lane of its own. */
// @ts-ignore: decorator
@inline
function bit(lanes: v128, j: i32): v128 {
  return v128.and(v128.shr<u32>(lanes, j), i32x4.splat(1));
}

/** The S-box on each byte of a word, without its constants: as `substitute` has it. */
function substituteWord(word: u32): u32 {
  const lanes = i32x4(word, word >> 8, word >> 16, word >> 24);
  substitute(
    bit(lanes, 0),
    bit(lanes, 1),
    bit(lanes, 2),
    bit(lanes, 3),
    bit(lanes, 4),
    bit(lanes, 5),
    bit(lanes, 6),
    bit(lanes, 7),
    0,
  );
  let found = i32x4.splat(0);
  for (let j: i32 = 0; j < 8; j++) {
    found = v128.or(found, v128.shl<u32>(v128.load(SUBSTITUTED + ((<usize>j) << 4)), j));
  }
  return (
    v128.extract_lane<u32>(found, 0) |
    (v128.extract_lane<u32>(found, 1) << 8) |
    (v128.extract_lane<u32>(found, 2) << 16) |
    (v128.extract_lane<u32>(found, 3) << 24)
  );
}

/** What the circuit's input lacks of A·x + c: the word of A^-1·c. */
const BEFORE: u32 = 0x75757575;
/** What its output lacks: c in every byte. */
const AFTER: u32 = 0xd3d3d3d3;
/** The same behind L: 0xd3 <<< 2 in every byte. */
const MIXED: u32 = 0x4f4f4f4f;

/** Byte `j` of CK[i] is (4i + j)·7 mod 256, the first byte on top (GB/T 32907-2016, section 7.3). */
function constantOf(i: u32): u32 {
  let word: u32 = 0;
  for (let j: u32 = 0; j < 4; j++) word = (word << 8) | (((4 * i + j) * 7) & 0xff);
  return word;
}

// @ts-ignore: decorator
@inline
function word(i: usize): u32 {
  return bswap(load<u32>(INPUT + (i << 2)));
}

/**
 * The round keys of the key in INPUT, as masks. They carry the constants that the S-box circuit leaves out: the one
 * before it always; the one behind it, which each round adds to its word, where odd numbers of rounds went over the
 * three words that come in.
 */
export function expandKey(): void {
  let k0 = word(0) ^ 0xa3b1bac6;
  let k1 = word(1) ^ 0x56aa3350;
  let k2 = word(2) ^ 0x677d9197;
  let k3 = word(3) ^ 0xb27022dc;
  for (let i: u32 = 0; i < 32; i++) {
    const s = substituteWord(k1 ^ k2 ^ k3 ^ constantOf(i) ^ BEFORE) ^ AFTER;
    const next = k0 ^ s ^ rotl(s, 13) ^ rotl(s, 23);
    k0 = k1;
    k1 = k2;
    k2 = k3;
    k3 = next;
    let masked = next ^ BEFORE;
    for (let j: u32 = 1; j <= 3; j++) masked ^= MIXED & (0 - (((i + j) >> 2) & 1));
    for (let p: u32 = 0; p < 32; p++) {
      store<u32>(ROUND_KEYS + (((i << 5) + p) << 2), 0 - ((masked >> p) & 1));
    }
  }
}
