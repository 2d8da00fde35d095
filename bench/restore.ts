import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { planRestore, runRestore } from "../agent/restore/index.ts";
import { runVerify } from "../agent/verify/index.ts";
import { systemClock } from "../posix/clock.ts";
import { buildSnapshot, type Item, makeNode } from "../test/support/build-snapshot.ts";
import { silent, toNodeName, toSnapshotId } from "../vault/names/index.ts";
import { keyIdentity, keyRecipient, newStretch } from "../vault/sealed/index.ts";
import { openDirectoryStore } from "../vault/store/index.ts";

/**
 * Prints how fast snapshots are restored and verified from a directory vault, with checksums read back and durable:
 * `node bench/restore.ts`, with BENCH_MIB of large files, BENCH_FILES small files, in BENCH_DIR.
 */
const mib = Number(process.env.BENCH_MIB ?? 1024);
const smallFiles = Number(process.env.BENCH_FILES ?? 100_000);

/** Blocks as a database writes them: half keys that repeat, half values that do not. */
function block(n: number, size: number): Buffer {
  const bytes = Buffer.alloc(size, `key ${n} of the bench, value follows. `);
  for (let at = 0; at < size; at += 512) {
    const seed = createHash("sha256").update(`${n} ${at}`).digest();
    for (let i = 0; i < 256 && at + i < size; i += 32) seed.copy(bytes, at + i);
  }
  return bytes;
}

const NOISE = randomBytes(1 << 20);

function largeTree(): Item[] {
  const items: Item[] = [{ path: "data" }];
  const template = block(1, 1 << 20);
  for (let n = 0; n < mib / 32; n += 1) {
    const content = Array.from({ length: 32 }, (_, i) => {
      const bytes = Buffer.from(template);
      // Every MiB differs, and a quarter of it does not compress.
      NOISE.copy(bytes, 0, 0, 256 << 10);
      bytes.writeUInt32LE(n * 32 + i, 0);
      return bytes;
    });
    items.push({ path: `data/${String(n).padStart(6, "0")}.ldb`, content });
  }
  return items;
}

function smallTree(): Item[] {
  const items: Item[] = [{ path: "data" }];
  for (let n = 0; n < smallFiles; n += 1) {
    if (n % 1000 === 0) items.push({ path: `data/${String(n / 1000).padStart(4, "0")}` });
    const folder = String(Math.floor(n / 1000)).padStart(4, "0");
    items.push({ path: `data/${folder}/${n}`, content: [`small file ${n}, ${"some words ".repeat(n % 300)}`] });
  }
  return items;
}

const KEY = Buffer.from("bench-key-bench!");
const self = fileURLToPath(import.meta.url);

/** Builds in a process of its own, so that what building takes is not counted as restoring. */
async function build(dir: string, items: readonly Item[]): Promise<void> {
  const store = await openDirectoryStore(join(dir, "vault"), { create: true });
  const recipient = keyRecipient({ source: KEY, stretch: newStretch("aes-256-gcm") });
  const { node, snapshot } = await buildSnapshot({ store, node: makeNode(), items, recipients: [recipient] });
  writeFileSync(join(dir, "names.json"), JSON.stringify({ node: node.name, snapshot }));
}

async function measure(dir: string, label: string): Promise<void> {
  const { node, snapshot } = JSON.parse(readFileSync(join(dir, "names.json"), "utf8"));
  const common = {
    store: await openDirectoryStore(join(dir, "vault")),
    node: toNodeName(node),
    snapshot: toSnapshotId(snapshot),
    identities: [keyIdentity(KEY)],
    signal: new AbortController().signal,
  };
  const began = systemClock.monotonic();
  if (label.includes("restore")) {
    const o = {
      ...common,
      targets: { to: join(dir, "out") },
      assertStopped: async () => {},
      keepOld: false,
      keepSpecialBits: false,
      stateDir: join(dir, "state"),
      progress: staged(),
    };
    const result = await runRestore(await planRestore(o), o);
    report(label, result.bytes, result.files, systemClock.monotonic() - began);
  } else {
    const result = await runVerify({ ...common, progress: staged(), readData: true });
    report(label, result.bytes, result.files, systemClock.monotonic() - began);
  }
}

/** Prints how long each stage took. */
function staged() {
  let name = "";
  let since = systemClock.monotonic();
  return {
    ...silent,
    stage: (next: string) => {
      const now = systemClock.monotonic();
      if (name !== "") console.log(`    ${name}: ${(now - since).toFixed(0)} ms`);
      name = next;
      since = now;
    },
  };
}

function report(label: string, bytes: number, files: number, ms: number): void {
  const rate = (bytes / 1e6 / (ms / 1000)).toFixed(0);
  const perSecond = (files / (ms / 1000)).toFixed(0);
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const cpu = ((userCPUTime + systemCPUTime) / 1e6).toFixed(1);
  const size = `${(bytes / 1e6).toFixed(0)} MB, ${files} files in ${(ms / 1000).toFixed(2)} s`;
  console.log(
    `${label}: ${size}: ${rate} MB/s, ${perSecond} files/s, ${cpu} s CPU, ${Math.round(maxRSS / 1024)} MiB peak RSS`,
  );
}

/** The same file again, as a child: its figures are its own. */
function run(...args: string[]): void {
  const { status } = spawnSync(process.execPath, [...process.execArgv, self, ...args], { stdio: "inherit" });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}`);
}

const [command, dir = "", what = ""] = process.argv.slice(2);
if (command === "build") await build(dir, what === "large" ? largeTree() : smallTree());
else if (command === "measure") await measure(dir, what);
else {
  for (const [label, tree, wanted] of [
    [`${mib} MiB`, "large", mib],
    [`${smallFiles} small files`, "small", smallFiles],
  ] as const) {
    if (wanted === 0) continue;
    const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "coldkeep-bench-"));
    try {
      run("build", folder, tree);
      run("measure", folder, `${label}, restore`);
      run("measure", folder, `${label}, verify --read-data`);
    } finally {
      if (process.env.BENCH_KEEP === undefined) rmSync(folder, { recursive: true });
      else console.log(folder);
    }
  }
}
