/**
 * What whole commands take on a node with a long history: `node bench/snapshots.ts [snapshots] [--whole]`, 10,000 by default.
 * A real node is prepared and backed up once; before that snapshot its directory vault is given that many, an hour apart, each
 * with a pack of its own and using those of the 100 before it, half of them expired and due. Their key files are nonsense and
 * no list names their packs, two hundred damages each; with `--whole` all is as it should be, as far as can be told without a
 * key. Prints seconds, the processor's seconds, and the peak of each command. Wants `npm run build`; BENCH_DIR says where.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openNodeState } from "../agent/state/index.ts";
import { systemClock } from "../posix/clock.ts";
import { makeVaultId, toNodeName } from "../vault/names/index.ts";
import { makeHistory } from "./history.ts";
import { measure } from "./peers/measure.ts";

const COLDKEEP = process.env.COLDKEEP ?? fileURLToPath(new URL("../dist/coldkeep.mjs", import.meta.url));
const VAULT = makeVaultId(Buffer.alloc(16, 1));
const NODE = toNodeName("bench");
const words = process.argv.slice(2);
const whole = words.includes("--whole");
const count = Number(words.find((word) => /^\d+$/.test(word))) || 10_000;
const base = process.env.BENCH_DIR ?? tmpdir();
mkdirSync(base, { recursive: true });
const home = mkdtempSync(join(base, "coldkeep-snapshots-"));
try {
  await main();
} finally {
  execFileSync("rm", ["-rf", home]);
}

async function main(): Promise<void> {
  const folder = join(home, "vault");
  mkdirSync(folder, { mode: 0o700 });
  mkdirSync(join(home, "data"));
  for (let n = 0; n < 100; n += 1) writeFileSync(join(home, "data", `${n}.ldb`), `${n} `.repeat(2000));
  writeFileSync(join(home, "config.yaml"), config());
  await run(`key generate --aes-256 --to ${join(home, "key")}`);
  await run("init");
  const { signingKey: key } = openNodeState(join(home, "state"), NODE);
  const now = systemClock.now();
  makeHistory({ folder, vault: VAULT, node: NODE, key, count, now, due: count >> 1, used: 100, whole });
  console.log(`${count} snapshots${whole ? ", whole" : ""}`);
  const said = await say("backup --json");
  const id = /"snapshot":\s*"([^"]+)"/.exec(said)?.[1] ?? "latest";
  writeFileSync(join(home, "data", "new.ldb"), "new");
  await say("backup --json");
  await say("list");
  await say("status");
  await say(`show ${id}`);
  await say("forget --dry-run");
  await say("gc --dry-run");
  await say("rebuild");
  await say("verify --all --without-key");
  await say("verify --all --without-key --json");
  await say("verify --all --without-key --read-data");
  await say("verify --all");
  await say(`verify ${id}`);
  await say(`verify ${id} --read-data`);
  await say(`restore ${id} --dry-run --to ${join(home, "out")}`);
  await say(`restore ${id} --to ${join(home, "out")}`);
  await say("forget --apply --despite share");
  await say("gc --apply");
}

/** Runs a command; what it said. @throws Error where it fails. */
async function run(words: string): Promise<string> {
  const { status, said } = await step(words);
  if (status !== 0) throw new Error(`${words}: ${said}`);
  return said;
}

async function say(words: string): Promise<string> {
  const { wall, cpu, rss, status, said } = await step(words);
  const figures = `${wall.toFixed(1).padStart(6)} s ${cpu.toFixed(1).padStart(6)} s CPU ${(rss / 2 ** 20).toFixed(0).padStart(5)} MiB`;
  const label = words.replaceAll(`${home}/`, "").replace(/\d{8}T\S+/, "<id>");
  console.log(`${label.padEnd(41)} ${figures}${status === 0 ? "" : `   (${status})`}`);
  return said;
}

function step(words: string) {
  return measure(`exec ${process.execPath} ${COLDKEEP} ${words} --config ${join(home, "config.yaml")}`, process.env);
}

function config(): string {
  return [
    "version: 1",
    `vault_id: ${VAULT}`,
    `vault: file://${home}/vault`,
    `state_dir: ${home}/state`,
    `encrypt_key: ${home}/key`,
    "nodes:",
    `  ${NODE}:`,
    "    profile: files",
    `    roots: { data: ${home}/data }`,
    "    immutable: ['**/*.ldb']",
    "    service: { manager: none }",
    "",
  ].join("\n");
}
