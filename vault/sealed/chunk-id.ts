import type { SuiteName } from "../card/types.ts";
import { lengthPrefixed, viewOf } from "./bytes.ts";
import { type MacKey, macKey } from "./suites/hashes.ts";
import { suiteOf } from "./suites.ts";
import type { ManifestEntry } from "./types.ts";

const OPEN_LABEL = lengthPrefixed("chunk");
const SECRET_LABEL = lengthPrefixed("secret chunk");
const FILE_LABEL = lengthPrefixed("file");

export type { MacKey };

/** A node's chunk-id key, made ready for many chunks. */
export const chunkIdKey = macKey;

/**
 * The id of a chunk, 32 bytes: keyed, so that nobody without the node's key can test whether a known content is stored.
 * A secret file's chunks have ids of their own kind, so they never share a frame with another file's.
 */
export function chunkId(suite: SuiteName, chunkKey: MacKey, plain: Uint8Array, secret = false): Uint8Array {
  return suiteOf(suite).hmac(chunkKey, secret ? SECRET_LABEL : OPEN_LABEL, plain);
}

/**
 * A digest of a file's whole content, 32 bytes, computed from its size and pieces. Stored nowhere. Equal digests mean
 * equal content; the same content cut differently has another digest.
 */
export function fileDigest(
  suite: SuiteName,
  chunkKey: MacKey,
  entry: Pick<ManifestEntry, "size" | "pieces">,
): Uint8Array {
  const parts: Uint8Array[] = [FILE_LABEL, u64(entry.size)];
  for (const piece of entry.pieces) {
    if ("hole" in piece) parts.push(Uint8Array.of(0), u64(piece.hole));
    else parts.push(Uint8Array.of(1), u64(piece.plain), piece.id);
  }
  return suiteOf(suite).hmac(chunkKey, ...parts);
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, BigInt(value));
  return bytes;
}
