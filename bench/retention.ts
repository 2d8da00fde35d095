/**
 * What one night of retention costs on a node with a long history: `node bench/retention.ts [snapshots]`. A directory
 * vault of that many snapshots, each with one pack of its own and using those of the 100 before it; half of them have
 * expired and are due. `plan` and `mark` are what is thought: the time that it takes to fetch cards is taken off. `retain` and
 * `collect` are the whole jobs, as dry runs, with every card read from disk.
 */
import { spawnSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { markLive } from "../keeper/collect/mark.ts";
import { collectGarbage, retainSnapshots } from "../keeper/index.ts";
import { scanNode } from "../keeper/retain/scan.ts";
import { makeVaultId, toNodeName } from "../vault/names/index.ts";
import { planRetention, type Tiers } from "../vault/retain/index.ts";
import { openStore, type Reader } from "../vault/store/index.ts";
import { makeHistory } from "./history.ts";

const COUNT = Number(process.argv[4] ?? process.argv[2]) || 10_000;
const USED = 100;
const DAY = 24 * 3_600_000;
const NOW = Date.UTC(2026, 0, 1);
const vault = makeVaultId(Buffer.alloc(16, 1));
const node = toNodeName("bench");
const key = createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 1)]),
  format: "der",
  type: "pkcs8",
});
const TIERS: Tiers = {
  keep: { hourly: 48, daily: 30, monthly: 12 },
  within: { last: { years: 0, months: 0, days: COUNT / 48, hours: 0 } },
  tags: [],
  timezone: "Europe/Berlin",
  floor: 7 * DAY,
  grace: 7 * DAY,
};

const [, self = "", first, given] = process.argv;
if (first === "measure" && given !== undefined) await measureAll(given);
else makeAndMeasure();

/** Measured in a process of its own, so that making the vault does not count. */
function makeAndMeasure(): void {
  const folder = mkdtempSync(join(tmpdir(), "coldkeep-bench-"));
  try {
    process.stderr.write(`making ${COUNT} snapshots in ${folder}\n`);
    makeHistory({ folder, vault, node, key, count: COUNT, now: NOW, due: COUNT / 2, used: USED });
    spawnSync(process.execPath, [self, "measure", folder, String(COUNT)], { stdio: "inherit" });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measureAll(folder: string): Promise<void> {
  const store = await openStore(folder);
  console.log("job      seconds   CPU s     peak RSS so far");
  const job = { store, node, vault, apply: false, now: NOW };
  const { found } = await retainSnapshots({ ...job, tiers: TIERS });
  await measure("plan", async () => {
    const { decisions, expire } = planRetention({ candidates: found.candidates, tiers: TIERS, now: NOW });
    return `${decisions.length} snapshots, ${expire.length} to expire`;
  });
  const scan = await scanNode(store, node);
  const due = [...scan.snapshots].filter(([, { expired }]) => expired.size > 0).map(([id]) => id);
  await measure("mark", async () => {
    const collecting = new Set(due);
    const options = { collecting, now: NOW, grace: TIERS.grace, despiteDamage: false };
    const { reader, took } = timedReader(folder, store);
    const { kept } = await markLive(reader, { vault, node }, scan, options);
    return { words: `every card parsed, ${kept.size} stay`, fetching: took() };
  });
  await measure("retain", async () => {
    const { plan } = await retainSnapshots({ ...job, tiers: TIERS });
    return `with all that it reads, ${plan.decisions.length} snapshots`;
  });
  await measure("collect", async () => {
    const { collected, dead } = await collectGarbage({ ...job, grace: TIERS.grace });
    return `with all that it reads and lists, ${collected.length} due, ${dead.length} objects dead`;
  });
}

/** Reads at once, so that what it takes can be told from the rest. */
function timedReader(folder: string, store: Reader): { readonly reader: Reader; readonly took: () => number } {
  let took = 0;
  const get = async (name: string) => {
    const start = performance.now();
    const bytes = readFileSync(join(folder, name));
    took += performance.now() - start;
    return { bytes, info: { size: bytes.length, etag: "", receivedAt: NOW } };
  };
  return { reader: { ...store, get }, took: () => took };
}

type Done = string | { readonly words: string; readonly fetching: number };

async function measure(name: string, work: () => Promise<Done>): Promise<void> {
  const start = performance.now();
  const before = process.cpuUsage();
  const done = await work();
  const { words, fetching } = typeof done === "string" ? { words: done, fetching: 0 } : done;
  const seconds = ((performance.now() - start - fetching) / 1000).toFixed(1);
  const { user, system } = process.cpuUsage(before);
  const cpu = ((user + system) / 1e6).toFixed(1);
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(`${name.padEnd(8)} ${seconds.padEnd(9)} ${cpu.padEnd(9)} ${peak} MiB   (${words})`);
}
