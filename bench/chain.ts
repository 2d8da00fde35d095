/**
 * A year of daily increments: what the last snapshot costs to restore beside a full one of the same tree, and how much of the
 * packs that it uses is dead. Prints requests, seconds, bytes.
 *
 *     node bench/chain.ts [days] [MiB]        default: 365 days, 256 MiB; BENCH_DIR says where
 *
 * The tree: tables of 2 MiB, a thirtieth of which a day's writes replace (as compactions do, mostly young ones, now and then
 * old), a block file a day, a log that grows. Half of it does not compress. The freeze is left out (bench/freeze.ts measures
 * that); a restore ends with everything read back and durable.
 */
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BackupResult, initVault } from "../agent/backup/index.ts";
import { readTables } from "../agent/backup/run-files.ts";
import { planRestore, runRestore } from "../agent/restore/index.ts";
import { systemClock } from "../posix/clock.ts";
import { type BackupHost, backupHost, NODE } from "../test/support/backup-host.ts";
import { countingStore } from "../test/support/counting-store.ts";
import { silent } from "../vault/names/index.ts";
import { openDirectoryStore } from "../vault/store/index.ts";
import { randomBytes } from "./data.ts";
import { dropCaches } from "./peers/measure.ts";

const MIB = 1 << 20;
const TABLE = 2 * MIB;
const BLOCKS = 256 << 10;

const days = Number(process.argv[2] ?? 365);
const mib = Number(process.argv[3] ?? 256);
const base = process.env.BENCH_DIR ?? tmpdir();
mkdirSync(base, { recursive: true });
const home = mkdtempSync(join(base, "coldkeep-chain-"));
try {
  await main();
} finally {
  rmSync(home, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const store = await openDirectoryStore(join(home, "vault"), { create: true });
  await initVault({ store, now: 0 });
  const host = backupHost(home, store);
  const tree = makeTree(host.root, (mib * MIB) / TABLE);
  const isImmutable = (path: string) => !path.endsWith("LOG");
  const put: number[] = [];
  let done = await host.backup({ isImmutable });
  let most = 0;
  for (let day = 1; day <= days; day += 1) {
    if (!(await host.confirm(done.snapshot))) throw new Error("the snapshot was not confirmed");
    tree.age();
    done = await host.backup({ isImmutable });
    put.push(done.figures.stored);
    most = Math.max(most, deadShare(host, done));
  }
  const changed = tree.changed();
  const chain = await restoreOf(host, done);
  const full = await host.backup({ isImmutable }, { full: true });
  const again = await restoreOf(host, full);

  const uses = usedBy(host, done);
  const sum = put.reduce((all, bytes) => all + bytes, 0);
  console.log(
    `${days} increments of ${(tree.bytes() / MIB).toFixed(0)} MiB, ${(changed / days / MIB).toFixed(1)} MiB new a day`,
  );
  console.log(
    `put a day                 ${(sum / days / MIB).toFixed(1)} MiB, at most ${(Math.max(...put) / MIB).toFixed(1)} MiB`,
  );
  console.log(`origins of the last       ${done.card.core.origins.length}`);
  console.log(
    `its packs                 ${uses.packs} of ${(uses.size / MIB).toFixed(0)} MiB, dead ${percent(uses.size - uses.live, uses.size)}, at most ${(most * 100).toFixed(1)} % on any day`,
  );
  console.log("restore                   requests   seconds   CPU s   MiB fetched");
  for (const [label, figures] of [
    ["of the last", chain],
    ["of a full one", again],
  ] as const) {
    const { requests, seconds, cpu, bytes } = figures;
    console.log(
      `${label.padEnd(25)} ${String(requests).padStart(8)} ${seconds.toFixed(2).padStart(9)} ${cpu.toFixed(2).padStart(7)} ${(bytes / MIB).toFixed(0).padStart(13)}`,
    );
  }
  console.log(
    `times a full one's        ${(chain.requests / again.requests).toFixed(2).padStart(8)} ${(chain.seconds / again.seconds).toFixed(2).padStart(9)} ${(chain.cpu / again.cpu).toFixed(2).padStart(7)}`,
  );
}

interface Figures {
  readonly requests: number;
  readonly seconds: number;
  readonly cpu: number;
  readonly bytes: number;
}

/** A restore into a fresh folder, from a vault of which nothing is cached but what the system keeps. */
async function restoreOf(host: BackupHost, { snapshot }: BackupResult): Promise<Figures> {
  let requests = 0;
  let bytes = 0;
  const store = await openDirectoryStore(join(home, "vault"));
  const o = {
    store: {
      ...countingStore(store, () => {
        requests += 1;
      }),
      getRange: (...asked: Parameters<typeof store.getRange>) => {
        requests += 1;
        bytes += asked[2];
        return store.getRange(...asked);
      },
    },
    node: NODE,
    snapshot,
    identities: [host.keys],
    signal: new AbortController().signal,
    targets: { to: join(home, "out") },
    assertStopped: async () => {},
    keepOld: false,
    keepSpecialBits: false,
    stateDir: join(home, "restore-state"),
    progress: silent,
  };
  dropCaches();
  const before = process.cpuUsage();
  const began = systemClock.monotonic();
  await runRestore(await planRestore(o), o);
  const seconds = (systemClock.monotonic() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  rmSync(join(home, "out"), { recursive: true });
  return { requests, seconds, cpu: (user + system) / 1e6, bytes };
}

/** What a snapshot uses of its packs, as the host noted it. */
function usedBy(host: BackupHost, { snapshot }: BackupResult) {
  const packs = readTables(host.state.runs.folder(snapshot))?.packs ?? [];
  const sum = (of: (pack: (typeof packs)[number]) => number) => packs.reduce((all, pack) => all + of(pack), 0);
  return { packs: packs.length, size: sum(({ size }) => size), live: sum(({ size, live = size }) => live) };
}

function deadShare(host: BackupHost, done: BackupResult): number {
  const { size, live } = usedBy(host, done);
  return (size - live) / size;
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}

/** A node's tree that a day makes older: the same days each time. */
function makeTree(root: string, count: number) {
  const noise = randomBytes("chain");
  let changed = 0;
  let next = 1;
  let day = 0;
  let tables: string[] = [];
  let blocks = 0;
  const content = (length: number) => Buffer.concat([noise(length / 2), Buffer.alloc(length / 2, `day ${day} `)]);
  const write = (name: string, length: number) => {
    writeFileSync(join(root, name), content(length));
    changed += length;
  };
  const table = () => {
    const name = `${String(next++).padStart(6, "0")}.ldb`;
    write(name, TABLE);
    tables.push(name);
  };
  for (let n = 0; n < count; n += 1) table();
  changed = 0;
  return {
    changed: () => changed,
    bytes: () => tables.length * TABLE + blocks * BLOCKS,
    age() {
      day += 1;
      const gone = new Set<string>();
      const turn = Math.max(1, Math.round(count / 30));
      for (let n = 0; n < turn; n += 1) {
        // Two of three that go are of the youngest fifth, as in a tree of levels.
        const pick = createHash("sha256").update(`${day} ${n}`).digest();
        const from = pick[0] !== undefined && pick[0] % 3 > 0 ? Math.floor(tables.length * 0.8) : 0;
        const name = tables[from + (pick.readUInt32LE(4) % (tables.length - from))];
        if (name !== undefined) gone.add(name);
      }
      tables = tables.filter((name) => !gone.has(name));
      for (const name of gone) rmSync(join(root, name));
      for (const _ of gone) table();
      write(`block_${String(blocks++).padStart(6, "0")}.ldb`, BLOCKS);
      appendFileSync(join(root, "LOG"), `day ${day}\n`.repeat(200));
    },
  };
}
