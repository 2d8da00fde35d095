import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { setMtime } from "../../posix/times.ts";
import { setXattr } from "../../posix/xattrs.ts";
import { makeHost } from "../cli/host.ts";
import { assertPrintedNoKey } from "../support/learn-secrets.ts";
import { seededRandom } from "../support/random.ts";
import { type Found, readTree } from "../support/read-tree.ts";
import { tempDir } from "../support/tmp.ts";
import { FILE_SYSTEMS, mountFresh, obstacleTo } from "./support/loop.ts";

/** Entries of the wide folder; a million by hand. */
const ENTRIES = Number(process.env.COLDKEEP_ENTRIES ?? "50000");
/** What the whole process may take, whatever the number of entries: KiB. */
const MOST_RSS = 300_000;
const root = process.getuid?.() === 0;

const noise = (seed: string, length: number) => Buffer.from(seededRandom(seed)(length));

/** Where a test runs: a real file system of its own, or memory. */
const PLACES = [
  { name: "tmpfs", obstacle: root ? null : "needs root", mount: mountTmpfs },
  ...FILE_SYSTEMS.map((system) => ({
    name: system.name,
    obstacle: obstacleTo(system),
    mount: () => mountFresh(system, 512),
  })),
];

function mountTmpfs(): string {
  const folder = tempDir("tmpfs");
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=512m", "none", folder]);
  onTestFinished(() => void execFileSync("umount", ["--lazy", folder]));
  return folder;
}

/** Everything a file can have besides its bytes. */
function growTree(data: string): void {
  const at = (name: string | Buffer) => Buffer.concat([Buffer.from(`${data}/`), Buffer.from(name)]);
  mkdirSync(at("dir"), { mode: 0o2750 });
  mkdirSync(at("sticky"));
  chmodSync(at("sticky"), 0o1777);
  mkdirSync(at("empty"), { mode: 0o700 });
  writeFileSync(at("dir/setuid"), noise("setuid", 70_000));
  chownSync(at("dir/setuid"), 1234, 4321);
  chmodSync(at("dir/setuid"), 0o4711);
  writeFileSync(at("dir/closed"), "nobody reads this");
  chmodSync(at("dir/closed"), 0);
  writeFileSync(at("n".repeat(255)), "longest name");
  writeFileSync(at("ä".repeat(127)), "longest name in UTF-8");
  writeFileSync(at(Buffer.from([0xff, 0xfe, 0x0a, 0x5c])), "no UTF-8");
  const sparse = openSync(at("sparse"), "w");
  writeSync(sparse, noise("head", 4096), 0, 4096, 1 << 20);
  writeSync(sparse, noise("middle", 300_000), 0, 300_000, 40 << 20);
  ftruncateSync(sparse, 100 << 20);
  closeSync(sparse);
  writeFileSync(at("all hole"), "");
  truncateSync(at("all hole"), 30 << 20);
  writeFileSync(at("first"), noise("linked", 9000));
  linkSync(at("first"), at("dir/second"));
  symlinkSync("dir/second", at("link"));
  symlinkSync(Buffer.from([0x2e, 0x2e, 0x2f, 0xff]), at("link of odd bytes"));
  writeFileSync(at("attributes"), "x");
  for (const [name, value] of [
    ["user.bytes", noise("value", 900)],
    ["user.empty", Buffer.alloc(0)],
  ] as const) {
    setXattr(at("attributes"), { name, value });
    setXattr(at("dir"), { name, value });
  }
  setXattr(at("attributes"), { name: "trusted.coldkeep", value: Buffer.from("root's own") });
  writeFileSync(at("old"), "before 1970");
  setMtime(at("old"), { seconds: -1, nanoseconds: 999_999_999 });
  setMtime(at("link"), { seconds: 1_600_000_000, nanoseconds: 1 });
  setMtime(at("dir"), { seconds: 1_500_000_000, nanoseconds: 123_456_789 });
}

/** What must be the same, and what may be less: blocks that hold data. */
const essence = (tree: readonly Found[]) => tree.map(({ data: _, ...rest }) => rest);

function expectSame(restored: string, original: readonly Found[]): void {
  const found = readTree(restored);
  expect(essence(found)).toEqual(essence(original));
  for (const [n, one] of found.entries()) {
    // Holes are kept to the chunk, 1 MiB: each of the two stretches of "sparse" takes one whole.
    if (one.data !== undefined)
      expect(one.data, one.path).toBeLessThanOrEqual(Math.max(original[n]?.data ?? 0, 2 << 20));
  }
}

describe("all that a file can have", () => {
  for (const { name, obstacle, mount } of PLACES) {
    const title = obstacle === null ? name : `${name} (${obstacle})`;
    it.skipIf(obstacle !== null)(`comes back from two snapshots, and in place with --delta: ${title}`, async () => {
      const home = mount();
      const host = await makeHost(home);
      const { data } = host;
      growTree(data);
      const dayOne = readTree(data);
      const first = await host.json<{ snapshot: string }>("backup");
      // A second name for what the first snapshot has under one, and one name less for what it has under two.
      linkSync(join(data, "sparse"), join(data, "dir/sparse too"));
      rmSync(join(data, "first"));
      writeFileSync(join(data, "dir/new"), noise("new", 5000));
      chmodSync(join(data, "dir/setuid"), 0o2755);
      const dayTwo = readTree(data);
      const second = await host.json<{ snapshot: string }>("backup");
      for (const [{ snapshot }, tree] of [
        [first, dayOne],
        [second, dayTwo],
      ] as const) {
        const to = join(home, snapshot);
        await host.json("restore", snapshot, "--to", to, "--keep-special-bits");
        expectSame(join(to, "data"), tree);
      }

      // Back to day one, from what day two and an accident have left.
      rmSync(join(home, "up"));
      writeFileSync(join(data, "large"), noise("something else", 200_000));
      const sparse = openSync(join(data, "sparse"), "r+");
      writeSync(sparse, "data in a hole", 20 << 20);
      closeSync(sparse);
      const was = lstatSync(join(data, "small"), { bigint: true });
      const words = ["restore", first.snapshot, "--delta", "--keep-special-bits"];
      const { reused, fetched } = await host.json<{ reused: number; fetched: number }>(...words);
      expectSame(data, dayOne);
      expect(reused).toBeGreaterThan(300_000);
      expect(fetched).toBeLessThan(900_000);
      // What was not touched is the very file.
      expect(lstatSync(join(data, "small"), { bigint: true }).ino).toBe(was.ino);
      expect(readdirSync(home).filter((one) => one.startsWith(".coldkeep-") || one.includes("coldkeep-old"))).toEqual(
        [],
      );
    });
  }

  it(`a folder of ${ENTRIES} entries is backed up and restored in ${MOST_RSS / 1000} MB (COLDKEEP_ENTRIES=1000000 for all of it)`, async () => {
    const home = tempDir();
    const host = await makeHost(home);
    const wide = join(host.data, "wide");
    mkdirSync(wide);
    for (let n = 0; n < ENTRIES; n += 1) writeFileSync(join(wide, `entry-${n}-${"x".repeat(n % 200)}`), `${n}`);
    const restored = join(home, "restored");
    const peaks = {
      backup: peakOf(host.config, "backup"),
      again: peakOf(host.config, "backup"),
      restore: peakOf(host.config, "restore", "latest", "--to", restored),
      verify: peakOf(host.config, "verify", "--read-data"),
    };
    console.log(`${ENTRIES} entries, peak KiB: ${JSON.stringify(peaks)}`);
    for (const peak of Object.values(peaks)) expect(peak).toBeLessThan(MOST_RSS);
    const names = readdirSync(join(restored, "data/wide"));
    expect(names).toHaveLength(ENTRIES);
    for (const name of names) {
      if (readFileSync(join(restored, "data/wide", name), "utf8") !== name.split("-")[1]) expect.fail(name);
    }
  });
});

const COLDKEEP = fileURLToPath(new URL("../../bin/coldkeep.mjs", import.meta.url));
const RSS = fileURLToPath(new URL("./support/rss.mjs", import.meta.url));

/** Runs a command as a process of its own; its peak of resident memory, KiB. */
function peakOf(config: string, ...words: string[]): number {
  const file = join(tempDir(), "rss");
  const env = { ...process.env, NODE_OPTIONS: `--import=${RSS}`, COLDKEEP_RSS_FILE: file };
  const argv = [...words, "--config", config];
  const { status, stdout, stderr } = spawnSync(process.execPath, [COLDKEEP, ...argv], { env, encoding: "utf8" });
  assertPrintedNoKey(argv, stdout + stderr);
  expect(status, stderr).toBe(0);
  return Number.parseInt(readFileSync(file, "utf8"), 10);
}
