/**
 * How long `coldkeep status` takes on a node with a long history: `node bench/status.ts [snapshots]`. A directory vault whose
 * index tells of 10,000 snapshots, each using packs of the 100 before it, as the indexer leaves it: the newest 500 in
 * index.json, the rest by months. Runs the command line as a program, five times.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cutIndex } from "../keeper/index-files.ts";
import { encodeIndex, encodeNodeJson, type IndexEntry } from "../vault/card/index.ts";
import { makeSnapshotId, makeVaultId, names, toBase64url, toNodeName } from "../vault/names/index.ts";

const COUNT = Number(process.argv[2]) || 10_000;
const HOUR = 3_600_000;
const CLI = fileURLToPath(new URL("../bin/coldkeep.mjs", import.meta.url));
const vault = makeVaultId(Buffer.alloc(16, 1));
const node = toNodeName("bench");
const home = mkdtempSync(join(tmpdir(), "coldkeep-bench-"));

try {
  makeVault();
  for (let n = 0; n < 5; n += 1) {
    const start = performance.now();
    const before = processorOfChildren();
    const { status, stderr } = spawnSync(process.execPath, [CLI, "status", "--config", join(home, "config.yaml")], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`coldkeep status ended with ${status}: ${stderr}`);
    const seconds = (performance.now() - start) / 1000;
    console.log(`${seconds.toFixed(2)} s, ${(processorOfChildren() - before).toFixed(2)} s of the processor`);
  }
} finally {
  rmSync(home, { recursive: true });
}

/** Seconds, user and system, of all children that have ended: cutime and cstime of proc(5), in hundredths. */
function processorOfChildren(): number {
  const stat = readFileSync("/proc/self/stat", "latin1");
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(13, 15);
  return (Number(user) + Number(system)) / 100;
}

function makeVault(): void {
  put(names.nodeJson(node), encodeNodeJson({ format: 1, vault, node, profile: "files", key: key(1), created: 0 }));
  const now = performance.timeOrigin;
  const ids = Array.from({ length: COUNT }, (_, at) => {
    const random = Buffer.alloc(8);
    random.writeUInt32BE(at, 4);
    return makeSnapshotId(Math.trunc(now - (COUNT - at) * HOUR), random);
  });
  const entries = ids.map((snapshot, at): IndexEntry => {
    const received = Math.trunc(now - (COUNT - at) * HOUR);
    return {
      snapshot,
      state: "good",
      remarks: [],
      writer: key(2),
      seq: at + 1,
      received,
      committed: received,
      profile: "files",
      tags: [],
      bytes: { total: 1e9, added: 1e7, stored: 1e7, files: 1000 },
      card: { size: 1000, sha256: "0".repeat(64) },
      origins: ids.slice(Math.max(0, at - 100), at + 1),
    };
  });
  const { newest, months } = cutIndex(entries);
  const common = { format: 1, vault, node, generation: 1 } as const;
  put(names.indexJson(node), encodeIndex({ ...common, snapshots: newest, months: [...months.keys()] }));
  for (const [month, snapshots] of months) {
    put(names.indexMonth(node, month), encodeIndex({ ...common, snapshots, months: [] }));
  }
  writeFileSync(
    join(home, "config.yaml"),
    [
      "version: 1",
      `vault: file://${home}/vault`,
      `vault_id: ${vault}`,
      `state_dir: ${home}/state`,
      `encrypt_key: ${home}/key`,
      `nodes: { bench: { profile: files, roots: { data: ${home}/data }, service: { manager: none } } }`,
    ].join("\n"),
  );
}

function put(name: string, bytes: Uint8Array): void {
  const path = join(home, "vault", name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, bytes);
}

function key(seed: number): string {
  return toBase64url(Buffer.alloc(32, seed));
}
