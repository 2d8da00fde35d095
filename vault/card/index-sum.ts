import { createHash } from "node:crypto";
import { ColdkeepError, toHex } from "../names/index.ts";

/**
 * The checksum within an index's own text: SHA-256 of the canonical text without the member `sha256`. It is against
 * damage only. Whoever can write an index can write its sum as well: nothing that an index says is proven by it.
 */

const BEFORE = Buffer.from('"sha256":"');
const HEX = 64;
/** The digits, the quote that ends them and the comma: `snapshots` follows. */
const AFTER = HEX + 2;
/** Stands where the sum will. */
export const NO_SUM = "0".repeat(HEX);

/** Puts the sum in place of NO_SUM. @param bytes an index's canonical text; changed */
export function fillIn(bytes: Uint8Array): void {
  const { sum, at } = sumWithout(bytes);
  bytes.set(Buffer.from(sum, "latin1"), at);
}

/**
 * @param bytes canonical text of an index that has a sum, and every field as the format describes it
 * @throws ColdkeepError `integrity` where the sum is of another text
 */
export function assertIndexSum(bytes: Uint8Array, on: string, recorded: string): void {
  const { sum } = sumWithout(bytes);
  if (sum === recorded) return;
  throw new ColdkeepError("integrity", {
    what: "cannot read",
    on,
    why: `its text was changed: SHA-256 found ${sum}, recorded ${recorded}`,
  });
}

/** Of both sides of the member: a month's text may be many megabytes, and is not copied for this. */
function sumWithout(bytes: Uint8Array): { readonly sum: string; readonly at: number } {
  // Members are sorted, and none of those before it can hold these characters; snapshots, whose cards have sums, come after.
  const from = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(BEFORE);
  const at = from + BEFORE.length;
  const hash = createHash("sha256")
    .update(bytes.subarray(0, from))
    .update(bytes.subarray(at + AFTER));
  return { sum: toHex(hash.digest()), at };
}
