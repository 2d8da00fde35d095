/**
 * What a repository holds after one backup of each kind of data, by tool, each as it compresses when nobody says anything
 * about it: `node bench/stored.ts [MiB of each kind] [kind...]`, 300 MiB and all kinds by default. Prints a table of MiB and shares of the data, which do
 * not depend on how busy a machine is. Tools are found as `npm run bench` finds them; wants `npm run build`. BENCH_DIR says where.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { makeBlockFiles, makeLevelDb } from "./data.ts";
import { makeFirstDay, makeSmallFiles } from "./peers/day.ts";
import { findProgram, searchPath } from "./peers/find.ts";
import { measure } from "./peers/measure.ts";
import { TOOLS, type Tool } from "./peers/tools.ts";
import { digestTree, sizeOf } from "./peers/tree.ts";

const COLDKEEP = process.env.COLDKEEP ?? join(import.meta.dirname, "..", "dist", "coldkeep.mjs");
const bytes = (Number(process.argv[2]) || 300) * 2 ** 20;

const BUFFERS = { keyEncoding: "buffer", valueEncoding: "buffer" } as const;

const KINDS: Readonly<Record<string, (folder: string) => void | Promise<void>>> = {
  "LevelDB, uncompressed": (folder) => makeLevelDb(join(folder, "state"), bytes, 1),
  "LevelDB, Snappy": (folder) => makeSnappy(join(folder, "state")),
  "block files": (folder) => makeBlockFiles(join(folder, "blocks"), bytes, 1),
  "files of 4 KiB": (folder) => makeSmallFiles(join(folder, "objects"), Math.round(bytes / 4096)),
  mixed: (folder) => makeFirstDay(join(folder, "node"), bytes),
};

/** The tools of `npm run bench`, without what it tells them of speed. */
const CHOSEN: readonly Tool[] = ["coldkeep", "coldkeep-small", "restic", "bupstash", "kopia-fast"].flatMap((name) => {
  const tool = TOOLS.find((one) => one.name === name);
  if (tool === undefined) throw new Error(`there is no tool ${name} any more`);
  if (name === "bupstash") return [{ ...tool, backup: tool.backup.replace("--compression zstd:1 ", "") }];
  if (name !== "kopia-fast") return [tool];
  const create = 'kopia repository create filesystem --path="$REPO"';
  return [
    { ...tool, name: "kopia", init: create },
    { ...tool, name: "kopia, zstd", init: `${create} && kopia policy set --global --compression=zstd` },
  ];
});

const base = process.env.BENCH_DIR ?? tmpdir();
mkdirSync(base, { recursive: true });
const home = mkdtempSync(join(base, "coldkeep-stored-"));
try {
  await main();
} finally {
  rmSync(home, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const folders = searchPath(process.env);
  const tools = CHOSEN.filter((tool) =>
    tool.programs.every((name) => name === "coldkeep" || findProgram(name, folders)),
  );
  console.log(`| data, MiB | ${tools.map(({ name }) => name).join(" | ")} |`);
  console.log(`| --- | ${tools.map(() => "---:").join(" | ")} |`);
  const wanted = process.argv.slice(3);
  for (const [kind, make] of Object.entries(KINDS)) {
    if (wanted.length > 0 && !wanted.includes(kind)) continue;
    const source = join(home, "source");
    mkdirSync(source);
    await make(source);
    const size = digestTree(source).bytes;
    const cells: string[] = [];
    for (const tool of tools) {
      const stored = await storedBy(tool, source, folders.join(":"));
      cells.push(stored === null ? "failed" : `${mib(stored)} (${((100 * stored) / size).toFixed(2)} %)`);
    }
    console.log(`| ${kind}, ${mib(size)} | ${cells.join(" | ")} |`);
    rmSync(source, { recursive: true });
  }
}

/** Bytes of its repository; null where it failed, of which stderr tells. */
async function storedBy(tool: Tool, source: string, path: string): Promise<number | null> {
  const work = join(home, "work");
  const place = (name: string) => join(work, name);
  mkdirSync(place("state"), { recursive: true });
  writeFileSync(place("password"), "correct horse battery staple");
  const env = {
    ...process.env,
    ...{ PATH: path, COLDKEEP, SRC: source, PW: place("password"), REPO: place("repository"), STATE: place("state") },
    TAG: "one",
  };
  try {
    for (const command of [tool.init, tool.backup]) {
      const { status, said } = await measure(`${tool.pre ?? ""}${command}`, env);
      if (status === 0) continue;
      console.error(`${tool.name}: ${said}`);
      return null;
    }
    return sizeOf(place("repository"));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Tables as LevelDB writes them by itself, of records in which half the bytes repeat. */
async function makeSnappy(folder: string): Promise<void> {
  const plain = `${folder}.plain`;
  await makeLevelDb(plain, bytes * 1.4, 1);
  const [from, to] = [
    new ClassicLevel<Buffer, Buffer>(plain, BUFFERS),
    new ClassicLevel<Buffer, Buffer>(folder, BUFFERS),
  ];
  await Promise.all([from.open(), to.open()]);
  let batch = to.batch();
  for await (const [key, value] of from.iterator()) {
    batch.put(key, value);
    if (batch.length < 2000) continue;
    await batch.write();
    batch = to.batch();
  }
  await batch.write();
  await Promise.all([from.close(), to.close()]);
  rmSync(plain, { recursive: true });
}

function mib(size: number): string {
  return (size / 2 ** 20).toFixed(1);
}
