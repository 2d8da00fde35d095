import { pbkdf2, scrypt } from "node:crypto";
import { promisify } from "node:util";
import type { SuiteName } from "../../card/types.ts";
import { ColdkeepError, fromBase64url, toBase64url } from "../../names/index.ts";
import { systemRandom } from "../derive.ts";
import { suiteOf } from "../suites.ts";
import type { RandomSource } from "../types.ts";

/**
 * Public parameters of a software key's stretching: such a key may be a password, and the slots it opens lie where
 * others can read them. One salt a key, copied into each of its slots, so that many snapshots cost one stretching.
 * `none` is of keys that no password can be, since coldkeep itself made them of random bits.
 */
export type Stretch =
  | { readonly kdf: "none" }
  | { readonly kdf: "scrypt"; readonly salt: string; readonly n: number; readonly r: number; readonly p: number }
  | { readonly kdf: "pbkdf2-sm3"; readonly salt: string; readonly iterations: number };

/** scrypt (RFC 7914) with N = 2^17, r = 8: 128 MiB for its duration. */
const N = 2 ** 17;
const R = 8;
const P = 1;
/** PBKDF2 (RFC 8018 section 5.2) with HMAC-SM3, where all has to be SM: some 0.3 s. */
const ITERATIONS = 600_000;
const SALT_BYTES = 32;
/** The least and the most a reader accepts: less protects nothing, more is an attack on the reader. */
const MIN_N = 2 ** 14;
const MAX_N = 2 ** 20;
const MIN_ITERATIONS = 100_000;
const MAX_ITERATIONS = 10_000_000;

/** Fresh parameters for one key. Kept in the state directory and used for all its snapshots. */
export function newStretch(suite: SuiteName, random: RandomSource = systemRandom): Stretch {
  suiteOf(suite);
  const salt = toBase64url(random(SALT_BYTES));
  if (suite === "sm4-gcm") return { kdf: "pbkdf2-sm3", salt, iterations: ITERATIONS };
  return { kdf: "scrypt", salt, n: N, r: R, p: P };
}

/**
 * The key-encryption key of a software key: 32 bytes, or the key itself where nothing is stretched.
 * @throws ColdkeepError `integrity` where the parameters are out of bounds; nothing was computed then.
 */
export async function stretchKey(suite: SuiteName, source: Uint8Array, stretch: Stretch): Promise<Uint8Array> {
  suiteOf(suite);
  if (stretch.kdf === "none") return Uint8Array.from(source);
  const salt = fromBase64url(stretch.salt, SALT_BYTES);
  const expected = suite === "sm4-gcm" ? "pbkdf2-sm3" : "scrypt";
  if (stretch.kdf !== expected) throw refuse(`${stretch.kdf} does not belong to ${suite}`);
  if (salt === null) throw refuse(`its salt is not ${SALT_BYTES} bytes`);
  return stretch.kdf === "scrypt" ? byScrypt(source, salt, stretch) : byPbkdf2(source, salt, stretch.iterations);
}

async function byScrypt(
  source: Uint8Array,
  salt: Uint8Array,
  { n, r, p }: Extract<Stretch, { kdf: "scrypt" }>,
): Promise<Uint8Array> {
  if (!Number.isSafeInteger(n) || n < MIN_N || n > MAX_N || (n & (n - 1)) !== 0) {
    throw refuse(`N is ${n}, allowed are powers of two from ${MIN_N} to ${MAX_N}`);
  }
  if (r !== R || p !== P) throw refuse(`r is ${r} and p is ${p}, allowed are ${R} and ${P}`);
  return await new Promise((resolve, reject) => {
    // Node counts a little more than 128·N·r; twice that is only a bound.
    scrypt(source, salt, 32, { N: n, r, p, maxmem: 256 * n * r }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

async function byPbkdf2(source: Uint8Array, salt: Uint8Array, iterations: number): Promise<Uint8Array> {
  if (!Number.isSafeInteger(iterations) || iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) {
    throw refuse(`its iterations are ${iterations}, allowed are ${MIN_ITERATIONS} to ${MAX_ITERATIONS}`);
  }
  return await promisify(pbkdf2)(source, salt, iterations, 32, "sm3");
}

function refuse(why: string): ColdkeepError {
  return new ColdkeepError("integrity", { what: "a key slot asks for a stretching that is refused", why });
}
