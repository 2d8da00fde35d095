/**
 * How fast one thread compresses and seals, by the processor's time: `node bench/seal.ts`. Frames of 1 MiB into 32 MiB packs, as the backup's
 * workers do it. The data is like a LevelDB table's: keys that count on, values half of which are noise.
 */
import { createHash, randomFillSync } from "node:crypto";
import { makeSnapshotId, makeVaultId, names, toNodeName } from "../vault/names/index.ts";
import {
  chunkId,
  compress,
  decompress,
  deriveKeys,
  newSnapshotKey,
  ObjectSealer,
  openObject,
  type SealedObject,
} from "../vault/sealed/index.ts";

const FRAME = 1024 * 1024;
const FRAMES = 31;
const ROUNDS = 12;
const suite = "aes-256-gcm";
const scope = {
  vault: makeVaultId(new Uint8Array(16)),
  node: toNodeName("bench"),
  snapshot: makeSnapshotId(0, new Uint8Array(8)),
  suite,
} as const;
const keys = deriveKeys(newSnapshotKey(), scope);
const identity = { scope, kind: "pack", index: 0, name: names.packName(0), key: keys.pack } as const;
const frames = Array.from({ length: FRAMES }, (_, i) => tableLike(i));
const into = new Uint8Array(33 * FRAME);

const seal = (): SealedObject => {
  const sealer = new ObjectSealer({ ...identity, into });
  for (const frame of frames) sealer.add(frame, 0, frame.length);
  return sealer.finish();
};
const compressAndSeal = (): SealedObject => {
  const sealer = new ObjectSealer({ ...identity, into });
  for (const frame of frames) {
    const { codec, bytes } = compress(frame);
    sealer.add(bytes, codec, frame.length);
  }
  return sealer.finish();
};
const compressed = frames.map(compress);

measure("chunk ids", () => {
  for (const frame of frames) chunkId(suite, keys.pack, frame);
});
measure("zstd level 1", () => {
  for (const frame of frames) compress(frame);
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
  for (const frame of frames) chunkId(suite, keys.pack, frame);
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
