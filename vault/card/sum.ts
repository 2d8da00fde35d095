import { createHash } from "node:crypto";
import { ColdkeepError, toHex } from "../names/index.ts";
import type { ObjectSum } from "./types.ts";

/** Size and SHA-256 of an object's bytes, as cards and pack lists record them. */
export function sumOf(bytes: Uint8Array): ObjectSum {
  return { size: bytes.length, sha256: toHex(createHash("sha256").update(bytes).digest()) };
}

/**
 * The first check of every whole read: are these the bytes that were recorded?
 * @throws ColdkeepError `integrity` telling truncated, grown or changed apart.
 */
export function assertSum(bytes: Uint8Array, expected: ObjectSum, on: string): void {
  if (bytes.length !== expected.size) {
    const what = bytes.length < expected.size ? "truncated" : "longer than recorded";
    throw new ColdkeepError("integrity", { what, on, why: `${bytes.length} bytes found, ${expected.size} recorded` });
  }
  const { sha256 } = sumOf(bytes);
  if (sha256 === expected.sha256) return;
  throw new ColdkeepError("integrity", {
    what: "not the bytes that were recorded",
    on,
    why: `SHA-256 found ${sha256}, recorded ${expected.sha256}`,
  });
}
