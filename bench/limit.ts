/**
 * What the processors alone allow: `node bench/limit.ts DIR [seconds]`. Takes chunks evenly from the files of a folder, does
 * with them what nobody can leave out (chunk id, zstd, AES-256-GCM, SHA-256 of what is stored) in one thread and by the
 * processor's time, and tells how long that takes for the whole folder on all processors; of a backup that took `seconds`, which
 * share of it that is. Chunks of zeros cost nothing; what is stored twice counts as if it were not.
 */
import { closeSync, globSync, openSync, readSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { makeSnapshotId, makeVaultId, names, toNodeName } from "../vault/names/index.ts";
import { chunkId, chunkIdKey } from "../vault/sealed/chunk-id.ts";
import { makeCompressor } from "../vault/sealed/codec.ts";
import { deriveKeys, newSnapshotKey, ObjectSealer } from "../vault/sealed/index.ts";

const CHUNK = 1 << 20;
/** Bytes that are tried. */
const SAMPLE = 256 << 20;
const PACK = 18 << 20;
const suite = "aes-256-gcm";

const [folder, took] = process.argv.slice(2);
if (folder === undefined) throw new Error("node bench/limit.ts DIR [seconds]");
const files = globSync("**/*", { cwd: folder })
  .map((name) => join(folder, name))
  .flatMap((path) => (statSync(path).isFile() ? [{ path, size: statSync(path).size }] : []));
const chunks = files.flatMap(({ path, size }) =>
  Array.from({ length: Math.ceil(size / CHUNK) }, (_, i) => ({
    path,
    from: i * CHUNK,
    size: Math.min(CHUNK, size - i * CHUNK),
  })),
);
const total = files.reduce((sum, { size }) => sum + size, 0);
const every = Math.max(1, Math.ceil(total / SAMPLE));
const tried = chunks.filter((_, index) => index % every === 0).map(readChunk);
const sampled = tried.reduce((sum, bytes) => sum + bytes.length, 0);
const taken = tried.filter((bytes) => bytes.some((byte) => byte !== 0));

const scope = {
  vault: makeVaultId(new Uint8Array(16)),
  node: toNodeName("bench"),
  snapshot: makeSnapshotId(0, new Uint8Array(8)),
  suite,
} as const;
const keys = deriveKeys(newSnapshotKey(), scope);
const idKey = chunkIdKey(keys.pack);
const compress = makeCompressor();
const into = new Uint8Array(new SharedArrayBuffer(PACK + 2 * CHUNK));
const identity = { scope, kind: "pack", index: 0, name: names.packName(0), key: keys.pack, into } as const;

work();
const before = process.cpuUsage();
const stored = work();
const { user, system } = process.cpuUsage(before);
const perSecond = sampled / ((user + system) / 1e6);
const cores = availableParallelism();
const least = total / perSecond / cores;
console.log(`${(total / 1e6).toFixed(0)} MB in ${files.length} files, ${(sampled / 1e6).toFixed(0)} MB of them tried`);
console.log(
  `id, zstd, seal, SHA-256: ${(perSecond / 1e6).toFixed(0)} MB/s a processor, ${((100 * stored) / sampled).toFixed(1)} % of the size stored`,
);
console.log(`at least ${least.toFixed(2)} s on ${cores} processors, ${(least * cores).toFixed(2)} s of the processor`);
if (took !== undefined) console.log(`${took} s are ${((100 * least) / Number(took)).toFixed(0)} % of what they allow`);

/** Answers how many bytes came out. */
function work(): number {
  let bytes = 0;
  let sealer = new ObjectSealer(identity);
  for (const plain of taken) {
    chunkId(suite, idKey, plain);
    if (sealer.size + plain.length > PACK) {
      bytes += sealer.finish().bytes.length;
      sealer = new ObjectSealer(identity);
    }
    const body = compress(plain);
    sealer.add(body.bytes, body.codec, plain.length);
  }
  return bytes + sealer.finish().bytes.length;
}

function readChunk({ path, from, size }: (typeof chunks)[number]): Uint8Array {
  const bytes = new Uint8Array(size);
  const fd = openSync(path, "r");
  try {
    readSync(fd, bytes, 0, size, from);
  } finally {
    closeSync(fd);
  }
  return bytes;
}
