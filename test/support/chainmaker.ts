import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { ClassicLevel } from "classic-level";

/** A record of a block file, as ChainMaker writes it: crc32, little-endian; the length as a uvarint; the block. */
function record(block: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(crc32(block));
  return Buffer.concat([head, uvarint(block.length), block]);
}

/** The blocks of a block file; a record that was cut off at its end is left out. @throws Error where a checksum is wrong. */
export function readRecords(file: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = 0; at + 5 <= file.length; ) {
    let length = 0;
    let next = at + 4;
    for (let shift = 0; ; shift += 7) {
      const byte = file[next++] ?? 0;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const block = file.subarray(next, next + length);
    if (block.length < length) break;
    if (crc32(block) !== file.readUInt32LE(at)) throw new Error(`a block of ${length} bytes has another checksum`);
    blocks.push(block);
    at = next + length;
  }
  return blocks;
}

function uvarint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    bytes.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) return Buffer.from(bytes);
  }
}

export function blockOf(height: number): Buffer {
  return Buffer.from(`block ${height} ${"x".repeat(height % 300)}`);
}

/** The name of the file that begins with a height: ChainMaker counts its records from 1. */
export function blockFileName(first: number, end: "" | ".END" = ""): string {
  return `${String(first + 1).padStart(20, "0")}.fdb${end}`;
}

export function writeBlocks(folder: string, first: number, last: number, end: "" | ".END" = ""): string {
  mkdirSync(folder, { recursive: true });
  const heights = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const path = join(folder, blockFileName(first, end));
  writeFileSync(path, Buffer.concat(heights.map((height) => record(blockOf(height)))));
  return path;
}

/** A database of ChainMaker's on its own engine. */
async function fillLevel(folder: string, rows: number): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  const database: ClassicLevel<string, string> = new ClassicLevel(folder, { writeBufferSize: 64 << 10 });
  await database.open();
  for (let at = 0; at < rows; at += 1) await database.put(`key ${at}`, `${at} ${"v".repeat(100)}`);
  await database.close();
}

export async function contentOf(folder: string): Promise<[string, string][]> {
  const database: ClassicLevel<string, string> = new ClassicLevel(folder, { createIfMissing: false });
  await database.open();
  const all = await database.iterator().all();
  await database.close();
  return all;
}

export interface TreeOptions {
  readonly chains?: readonly string[];
  /** Lines of chainmaker.yml below `storage`, beside store_path and block file database. */
  readonly storage?: string;
  /** New block files in a folder of their own. */
  readonly tmp?: boolean;
}

/** `chainmaker.yml` of a node whose folders lie beside each other, with paths as its templates have them. */
export function chainmakerYml({ chains = ["chain1"], storage = DATABASES, tmp = false }: TreeOptions = {}): string {
  return `log:
  config_file: ../config/org1/log.yml
blockchain:
${chains.map((chain) => `  - chainId: ${chain}\n    genesis: ../config/org1/chainconfig/bc1.yml`).join("\n")}
node:
  priv_key_file: ../config/org1/certs/node/node.sign.key
storage:
  store_path: ../data/org1/ledgerData1
  disable_block_file_db: false
${tmp ? "  block_store_tmp_path: ../tmp/org1\n" : ""}  disable_contract_eventdb: true
${storage}
`;
}

export const DATABASES = `  blockdb_config:
    provider: leveldb
    leveldb_config: { store_path: ../data/org1/block }
  statedb_config:
    provider: leveldb
    leveldb_config: { store_path: ../data/org1/state }
  historydb_config:
    provider: leveldb
    leveldb_config: { store_path: ../data/org1/history }
  resultdb_config:
    provider: leveldb
    leveldb_config: { store_path: ../data/org1/result }`;

/**
 * The folder of a node, made as ChainMaker lays it out and with its engines, since ChainMaker itself cannot be had: blocks
 * 0 to 34 of each chain in files of ten.
 */
export async function makeTree(install: string, options: TreeOptions = {}): Promise<string> {
  const { chains = ["chain1"], tmp = false } = options;
  mkdirSync(join(install, "bin"), { recursive: true });
  mkdirSync(join(install, "config/org1/certs/node"), { recursive: true });
  writeFileSync(join(install, "config/org1/certs/node/node.sign.key"), "PRIVATE");
  const file = join(install, "config/org1/chainmaker.yml");
  writeFileSync(file, chainmakerYml(options));
  for (const chain of chains) {
    const store = join(install, "data/org1/ledgerData1", chain);
    const live = tmp ? join(install, "tmp/org1", chain) : store;
    writeBlocks(join(store, "bfdb"), 0, 9);
    writeBlocks(join(store, "bfdb"), 10, 19);
    writeBlocks(join(live, "bfdb"), 20, 29);
    writeBlocks(join(live, "bfdb"), 30, 34, ".END");
    mkdirSync(join(store, "tbftwal"), { recursive: true });
    writeFileSync(join(store, "tbftwal/00000000000000000001"), "vote");
    await fillLevel(join(store, "localdb"), 20);
    for (const name of ["block", "state", "history", "result"]) {
      await fillLevel(join(install, "data/org1", name, chain, `store_${name}`), 300);
    }
  }
  mkdirSync(join(install, "data/org1/state-1732800000000000000/chain1"), { recursive: true });
  return file;
}
