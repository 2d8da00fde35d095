import { createCipheriv, createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";

/** Made-up node data that looks like the real thing to a backup: what compresses and what does not, what is big and small. */
export interface DataFigures {
  readonly bytes: number;
  readonly files: number;
}

const MIB = 1 << 20;

/**
 * Makes a node's data of about `bytes` in a new folder: half a LevelDB state database (hashed keys, values of RLP-like
 * records), three eighths block files (signed transactions: half of it digests and signatures), one eighth small files.
 * The same seed gives the same content, LevelDB's own file layout aside. A folder that is there is left as it is.
 */
export async function makeNodeData(folder: string, bytes: number, seed = 1): Promise<DataFigures> {
  if (!existsSync(folder)) {
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    await makeLevelDb(join(partial, "state"), bytes / 2, seed);
    makeBlockFiles(join(partial, "blocks"), (bytes * 3) / 8, seed);
    makeSmallFiles(join(partial, "objects"), bytes / 8, seed);
    renameSync(partial, folder);
  }
  return measure(folder);
}

/** What a day adds: one eighth of `bytes` of new blocks and keys; everything finished stays as it is. */
export async function growNodeData(folder: string, bytes: number, seed: number): Promise<void> {
  await makeLevelDb(join(folder, "state"), bytes / 2, seed);
  makeBlockFiles(join(folder, "blocks"), bytes / 2, seed);
}

/** Writes about `bytes` into a LevelDB; what is in its log at the end becomes a table when it is opened next. */
export async function makeLevelDb(folder: string, bytes: number, seed: number): Promise<void> {
  const db = new ClassicLevel<Buffer, Buffer>(folder, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
    compression: false,
    maxFileSize: 32 * MIB,
    writeBufferSize: 32 * MIB,
  });
  await db.open();
  const random = randomBytes(`leveldb ${seed}`);
  let batch = db.batch();
  let size = 0;
  for (let n = 0; size < bytes; n += 1) {
    const key = createHash("sha256").update(`${seed} ${n}`).digest();
    const value = record(random, n);
    batch.put(key, value);
    size += key.length + value.length;
    if (n % 2000 === 1999) {
      await batch.write();
      batch = db.batch();
    }
  }
  await batch.write();
  await db.close();
}

/** A state value: a nonce, a balance with leading zeros, two hashes, then storage words that are mostly zero. */
function record(random: (length: number) => Buffer, n: number): Buffer {
  const value = Buffer.alloc(96 + (n % 7) * 64);
  value.writeUInt32BE(n, 0);
  random(10).copy(value, 22);
  random(32).copy(value, 32);
  for (let at = 96; at < value.length; at += 64) random(12).copy(value, at + 20);
  return value;
}

/** Block files of 64 MiB: signed transactions, half of it digests and signatures. */
export function makeBlockFiles(folder: string, bytes: number, seed: number): void {
  mkdirSync(folder, { recursive: true });
  const first = readdirSync(folder).length;
  const random = randomBytes(`blocks ${seed}`);
  const each = 64 * MIB;
  for (let n = 0; n * each < bytes; n += 1) {
    const fd = openSync(join(folder, `blockfile_${String(first + n).padStart(6, "0")}`), "w");
    const size = Math.min(each, bytes - n * each);
    for (let at = 0; at < size; )
      at += writeSync(fd, Buffer.concat(Array.from({ length: 2000 }, () => transaction(random))));
    closeSync(fd);
  }
}

/** One transaction of a block file. */
export function transaction(random: (length: number) => Buffer): Buffer {
  const text = `{"version":"0x3","from":"hx${random(4).toString("hex")}0000000000000000","to":"cx`;
  const rest = `","stepLimit":"0x7a1200","method":"transfer","timestamp":"0x5f${random(3).toString("hex")}","sig":`;
  return Buffer.concat([Buffer.from(text), random(32), Buffer.from(rest), random(65), Buffer.alloc(24)]);
}

function makeSmallFiles(folder: string, bytes: number, seed: number): void {
  const random = randomBytes(`small ${seed}`);
  let size = 0;
  for (let n = 0; size < bytes; n += 1) {
    const inside = join(folder, String(n % 97).padStart(2, "0"));
    if (n < 97) mkdirSync(inside, { recursive: true });
    const length = 500 + ((n * 7919) % 24_000);
    writeFileSync(join(inside, `${n}.obj`), Buffer.concat([random(length / 2), Buffer.alloc(length / 2, `${n} `)]));
    size += length;
  }
}

/** A stream of bytes that do not compress, from a seed: AES-CTR over zeros. At most 1 MiB a call. */
export function randomBytes(seed: string): (length: number) => Buffer {
  const cipher = createCipheriv(
    "aes-128-ctr",
    createHash("sha256").update(seed).digest().subarray(0, 16),
    Buffer.alloc(16),
  );
  const zeros = Buffer.alloc(MIB);
  let block = cipher.update(zeros);
  let at = 0;
  return (length) => {
    const whole = Math.floor(length);
    if (at + whole > block.length) {
      block = cipher.update(zeros);
      at = 0;
    }
    at += whole;
    return block.subarray(at - whole, at);
  };
}

function measure(folder: string): DataFigures {
  let bytes = 0;
  let files = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const info = statSync(join(folder, name));
    if (!info.isFile()) continue;
    files += 1;
    bytes += info.size;
  }
  return { bytes, files };
}
