/**
 * What a snapshot holds besides data: `node bench/lists.ts`. Its manifest, its card, its lists of packs and its key file, and of
 * its list of files the segments, as far as they are new; beside the data, and beside what had changed. A node of 512 MiB, and
 * 100,000 files of 4 KiB; each is backed up, changed a little, and backed up again. Sizes do not depend on how busy a
 * machine is. Wants `npm run build`; BENCH_DIR says where.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rowsOf } from "../agent/backup/chunk-rows.ts";
import { readBlocks } from "../agent/backup/local-files.ts";
import { RUN_FILES, readTables } from "../agent/backup/run-files.ts";
import { names, toNodeName, toSnapshotId } from "../vault/names/index.ts";
import { makeFirstDay, makeSecondDay, makeSmallFiles } from "./peers/day.ts";
import { measure } from "./peers/measure.ts";
import { digestTree } from "./peers/tree.ts";

const COLDKEEP = process.env.COLDKEEP ?? join(import.meta.dirname, "..", "dist", "coldkeep.mjs");
const NODE = toNodeName("bench");
const base = process.env.BENCH_DIR ?? tmpdir();
mkdirSync(base, { recursive: true });
console.log(
  "| | data, MiB | read, MiB | manifest, kB | card, kB | segments, kB | all of the data | of what was read |",
);
console.log("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
await of("a node", (data) => makeFirstDay(data, 512 << 20), makeSecondDay);
await of(
  "files of 4 KiB",
  (data) => makeSmallFiles(data, 100_000),
  (data) => {
    for (let n = 0; n < 100; n += 1)
      writeFileSync(join(data, "0050", `${50_000 + n}.obj`), `changed ${n} `.repeat(300));
  },
);

type Make = (data: string) => void | Promise<void>;

async function of(what: string, make: Make, change: Make): Promise<void> {
  const home = mkdtempSync(join(base, "coldkeep-lists-"));
  try {
    const data = join(home, "data");
    mkdirSync(join(home, "vault"), { mode: 0o700 });
    mkdirSync(data);
    rmSync(data, { recursive: true });
    await make(data);
    writeFileSync(join(home, "config.yaml"), config(home));
    await run(home, `key generate --aes-256 --to ${join(home, "key")}`);
    await run(home, "init");
    tell(`${what}, first`, home, await run(home, "backup --json"));
    await change(data);
    tell(`${what}, some of it changed`, home, await run(home, "backup --json"));
    tell(`${what}, no change`, home, await run(home, "backup --json"));
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function tell(what: string, home: string, said: string): void {
  const id = toSnapshotId(/"snapshot":\s*"([^"]+)"/.exec(said)?.[1] ?? "");
  const read = Number(/"read":\s*(\d+)/.exec(said)?.[1]);
  const size = (name: string) => statSync(join(home, "vault", name)).size;
  const manifest = size(names.manifest(NODE, id));
  const card = size(names.card(NODE, id));
  const folder = join(home, "vault", names.dataFolder(NODE, id));
  const others = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const rest = others.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const segments = newSegments(join(home, "state", NODE, "runs", id), id);
  const all = manifest + card + rest + segments;
  const { bytes } = digestTree(join(home, "data"));
  const cells = [
    (bytes / 2 ** 20).toFixed(0),
    (read / 2 ** 20).toFixed(1),
    ...[manifest, card, segments].map((one) => (one / 1000).toFixed(1)),
    `${((100 * all) / bytes).toFixed(3)} %`,
    read === 0 ? "–" : `${((100 * all) / read).toFixed(2)} %`,
  ];
  console.log(`| ${what} | ${cells.join(" | ")} |`);
}

/** Bytes of those segments that this run stored itself. */
function newSegments(folder: string, id: string): number {
  const tables = readTables(folder);
  if (tables === null) throw new Error(`${folder}: the run's tables are gone`);
  const own = tables.origins.findIndex(({ snapshot }) => snapshot === id);
  const rows = new Set((tables.segments ?? []).map(([, , row]) => row));
  let bytes = 0;
  for (const { row, origin, stored } of rowsOf(readBlocks(join(folder, RUN_FILES.chunks)))) {
    if (origin === own && rows.has(row)) bytes += stored;
  }
  return bytes;
}

async function run(home: string, words: string): Promise<string> {
  const command = `exec ${process.execPath} ${COLDKEEP} ${words} --config ${join(home, "config.yaml")}`;
  const { status, said } = await measure(command, process.env);
  if (status !== 0) throw new Error(`${words}: ${said}`);
  return said;
}

function config(home: string): string {
  return [
    "version: 1",
    "vault_id: v5J2BYLFz3BLk1mC9U6Rig",
    `vault: file://${home}/vault`,
    `state_dir: ${home}/state`,
    `encrypt_key: ${home}/key`,
    "nodes:",
    `  ${NODE}:`,
    "    profile: files",
    `    roots: { data: ${home}/data }`,
    "    immutable: ['**/*.ldb']",
    "    append_only: ['**/blockfile_*']",
    "    service: { manager: none }",
    "",
  ].join("\n");
}
