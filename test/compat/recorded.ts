import { createHash } from "node:crypto";
import type { Compressed, Compressor } from "../../vault/sealed/codec.ts";

/** Compressed bodies by the SHA-256 of their plaintext: what zstd made of them when the vault was first made. */
export type Recorded = Record<string, { readonly codec: 0 | 1; readonly body: string }>;

/** Compresses as it was recorded, so that the vault's bytes do not depend on the version of zstd at hand. */
export function replay(recorded: Recorded): Compressor {
  return (plain) => {
    const found = recorded[digest(plain)];
    if (found === undefined) throw new Error("no compressed body is recorded for a frame: the vault has changed");
    return { codec: found.codec, bytes: found.codec === 0 ? plain : Buffer.from(found.body, "base64") };
  };
}

/** Compresses and records. */
export function record(compress: Compressor, into: Recorded): Compressor {
  return (plain): Compressed => {
    const { codec, bytes } = compress(plain);
    into[digest(plain)] = { codec, body: codec === 0 ? "" : Buffer.from(bytes).toString("base64") };
    return { codec, bytes };
  };
}

function digest(plain: Uint8Array): string {
  return createHash("sha256").update(plain).digest("hex");
}
