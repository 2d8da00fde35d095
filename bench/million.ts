/**
 * A node of very many files: what coldkeep adds to its outage, and the most memory that each command takes. Prints seconds,
 * MiB and milliseconds.
 *
 *     node bench/million.ts [files] [twice]   default: 1,000,000, in folders of 1,000; BENCH_DIR says where
 *
 * The files hold some 10 bytes each and never change, says the configuration; a log does. While the "node" runs it appends to
 * the log and adds files to one folder, so that this one must be read again; the others need not be. Before the last backup one
 * file in a hundred is replaced, in every folder. `twice`: each file has another name outside of what is captured, as in
 * another backup's frozen tree. Wants `npm run build`. BENCH_PREFIX goes before each command, such as `nice`.
 */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setInterval } from "node:timers";
import { configOf, say } from "./whole-commands.ts";

const FOLDER = 1000;

const files = Number(process.argv[2] ?? 1_000_000);
const twice = process.argv[3] === "twice";
const base = process.env.BENCH_DIR ?? tmpdir();
mkdirSync(base, { recursive: true });
const home = mkdtempSync(join(base, "coldkeep-million-"));
try {
  await main();
} finally {
  // Node's own takes minutes where there are a million.
  execFileSync("rm", ["-rf", home]);
}

async function main(): Promise<void> {
  const data = join(home, "data");
  mkdirSync(data);
  const outside = join(home, "outside");
  for (let n = 0; n < files; n += 1) {
    if (n % FOLDER === 0) {
      mkdirSync(dirname(fileOf(data, n)));
      if (twice) mkdirSync(dirname(fileOf(outside, n)), { recursive: true });
    }
    write(fileOf(data, n), `${n}\n`);
    if (twice) linkSync(fileOf(data, n), fileOf(outside, n));
  }
  writeFileSync(join(data, "node.log"), "begun\n");
  writeFileSync(join(home, "config.yaml"), configOf(home, { node: "million", data, immutable: "**/*.obj" }));
  mkdirSync(join(home, "vault"), { mode: 0o700 });
  const running = join(home, "running");
  writeFileSync(running, "");
  let added = 0;
  const writer = setInterval(() => {
    if (!existsSync(running)) return;
    appendFileSync(join(data, "node.log"), `line ${added}\n`);
    writeFileSync(join(data, "00000", `new-${added++}.obj`), `${added}\n`);
  }, 100);
  writer.unref();

  console.log(`${files} files in folders of ${FOLDER}`);
  await say(home, "key generate", `key generate --aes-256 --to ${join(home, "key")}`);
  await say(home, "init", "init");
  await say(home, "backup, first", "backup --json");
  await say(home, "backup, next", "backup --json");
  await say(home, "backup, next", "backup --json");
  clearInterval(writer);
  for (let n = 0; n < files; n += 100) {
    rmSync(fileOf(data, n));
    write(`${fileOf(data, n).slice(0, -".obj".length)}-new.obj`, `new ${n}\n`);
  }
  await say(home, "backup, 1 % changed", "backup --json");
  await say(home, "doctor", "doctor --json");
  await say(home, "status", "status --json");
  await say(home, "ls", "ls latest");
  await say(home, "find", "find 0077.obj");
  const cards = readdirSync(join(home, "vault", "million", "snapshots")).filter((name) => name.endsWith(".card.json"));
  const [before = ""] = cards.sort().map((name) => name.slice(0, -".card.json".length));
  await say(home, "diff", `diff ${before} latest`);
  await say(home, "forget --dry-run", "forget --dry-run --json");
  await say(home, "verify", "verify --json");
  await say(home, "verify --read-data", "verify --read-data --json");
  await say(home, "restore", `restore latest --to ${join(home, "out")} --json`);
}

/** The path of the n-th file of `data`. */
function fileOf(data: string, n: number): string {
  const folder = String(Math.floor(n / FOLDER)).padStart(5, "0");
  return join(data, folder, `${String(n % FOLDER).padStart(4, "0")}.obj`);
}

/** Long ago: what was written within the hour is looked at again while the node is down, as it may be in the writing. */
function write(file: string, text: string): void {
  writeFileSync(file, text);
  utimesSync(file, 1_700_000_000, 1_700_000_000);
}
