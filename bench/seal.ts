/**
 * How fast one thread compresses and seals, by the processor's time: `node bench/seal.ts [aes-256-gcm|sm4-gcm]`. Frames of
 * 1 MiB into 32 MiB packs, as the backup's workers do it. The data is like a LevelDB table's: keys that count on, values
 * half of which are noise. The ciphers alone come last, beside what OpenSSL's own benchmark says of the machine.
 */
import { execFileSync } from "node:child_process";
import { createCipheriv, createHash, randomFillSync } from "node:crypto";
import { makeSnapshotId, makeVaultId, names, toNodeName } from "../vault/names/index.ts";
import { chunkId, chunkIdKey } from "../vault/sealed/chunk-id.ts";
import { makeCompressor } from "../vault/sealed/codec.ts";
import {
  compress,
  decompress,
  deriveKeys,
  newSnapshotKey,
  ObjectSealer,
  openObject,
  type SealedObject,
} from "../vault/sealed/index.ts";
import { allSm4Backends } from "../vault/sealed/sm4/backend.ts";
import type { Aead } from "../vault/sealed/suites/aead.ts";
import { aes256Gcm } from "../vault/sealed/suites/openssl-gcm.ts";

const FRAME = 1024 * 1024;
const FRAMES = 31;
const ROUNDS = 12;
const suite = process.argv[2] === "sm4-gcm" ? "sm4-gcm" : "aes-256-gcm";
const scope = {
  vault: makeVaultId(new Uint8Array(16)),
  node: toNodeName("bench"),
  snapshot: makeSnapshotId(0, new Uint8Array(8)),
  suite,
} as const;
const keys = deriveKeys(newSnapshotKey(), scope);
const identity = { scope, kind: "pack", index: 0, name: names.packName(0), key: keys.pack } as const;
const frames = Array.from({ length: FRAMES }, (_, i) => tableLike(i));
const into = new Uint8Array(new SharedArrayBuffer(33 * FRAME));

const seal = (): SealedObject => {
  const sealer = new ObjectSealer({ ...identity, into });
  for (const frame of frames) sealer.add(frame, 0, frame.length);
  return sealer.finish();
};
const compressor = makeCompressor();
const chunkKey = chunkIdKey(keys.pack);
const compressAndSeal = (): SealedObject => {
  const sealer = new ObjectSealer({ ...identity, into });
  for (const frame of frames) {
    const { codec, bytes } = compressor(frame);
    sealer.add(bytes, codec, frame.length);
  }
  return sealer.finish();
};
const compressed = frames.map((frame) => compress(frame));

measure("chunk ids", () => {
  for (const frame of frames) chunkId(suite, chunkKey, frame);
});
measure("zstd level 1", () => {
  for (const frame of frames) compressor(frame);
});
measure("zstd back", () => {
  for (const { codec, bytes } of compressed) decompress(codec, bytes, FRAME);
});
measure("SHA-256 alone", () => {
  for (const frame of frames) createHash("sha256").update(frame).digest();
});
measure("seal and SHA-256, not compressed", seal);
measure("compress, seal and SHA-256", compressAndSeal);
measure("id, compress, seal and SHA-256", () => {
  for (const frame of frames) chunkId(suite, chunkKey, frame);
  compressAndSeal();
});
const whole = Uint8Array.from(compressAndSeal().bytes);
measure("open and decompress", () => {
  const object = openObject({ ...identity, bytes: whole });
  object.rows.forEach((_, i) => {
    object.frame(i);
  });
});
console.log(`${((100 * whole.length) / (FRAMES * FRAME)).toFixed(0)} % of the size after compression`);

const zeros = new Uint8Array(FRAME);
const nonce = new Uint8Array(12);
console.log("\nthe ciphers alone, 1 MiB at a time");
sealAlone("aes-256-gcm as frames are sealed", aes256Gcm(), 32);
console.log(`${"openssl speed -evp aes-256-gcm".padEnd(34)} ${opensslSpeed().padStart(5)}`);
measure("node's sm4-ctr, no tag", () => {
  for (let n = 0; n < FRAMES; n++)
    createCipheriv("sm4-ctr", zeros.subarray(0, 16), zeros.subarray(0, 16)).update(zeros);
});
for (const { name, found } of allSm4Backends()) {
  if (typeof found === "string") console.log(`sm4-gcm by ${name}: ${found}`);
  else sealAlone(`sm4-gcm by ${name}`, found, 16);
}

function sealAlone(label: string, aead: Aead, keyBytes: number): void {
  const key = aead.prepare(new Uint8Array(keyBytes));
  measure(label, () => {
    for (let n = 0; n < FRAMES; n++) key.sealInto(nonce, nonce, zeros, into, n * FRAME);
  });
}

function opensslSpeed(): string {
  const args = ["speed", "-mr", "-seconds", "2", "-bytes", String(FRAME), "-evp", "aes-256-gcm"];
  try {
    const line = execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const rate = Number(/^\+F:\d+:[^:]*:([\d.]+)/m.exec(line)?.[1]);
    return `${(rate / 1e6).toFixed(0)} MB/s`;
  } catch {
    return "not to be had here";
  }
}

function measure(label: string, work: () => void): void {
  work();
  const before = process.cpuUsage();
  for (let i = 0; i < ROUNDS; i++) work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  const rate = (ROUNDS * FRAMES * FRAME) / 1e6 / seconds;
  console.log(`${label.padEnd(34)} ${rate.toFixed(0).padStart(5)} MB/s`);
}

function tableLike(seed: number): Uint8Array {
  const bytes = Buffer.alloc(FRAME);
  for (let at = 0; at < FRAME; at += 64) {
    bytes.write(`block/${String(seed * 16_384 + at / 64).padStart(12, "0")}/tx:`, at, "latin1");
    randomFillSync(bytes, at + 32, 28);
  }
  return bytes;
}
