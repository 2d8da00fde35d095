import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { TEMP_LABEL, writeFileDurable } from "../../posix/durable.ts";
import { acquireLock } from "../../posix/lockfile.ts";
import { isLeftBehind, makerMark, sweepLeft } from "../../posix/maker.ts";
import { tempDir } from "../support/tmp.ts";

/** The mark of a process of this machine that has ended. */
function deadMark(): string {
  const code = `import { makerMark } from ${JSON.stringify(new URL("../../posix/maker.ts", import.meta.url).href)}; console.log(makerMark());`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" }).stdout.trim();
}

const dead = deadMark();
/** Another machine's: nobody here knows whether it lives. */
const foreign = `${"0".repeat(16)}${dead.slice(16)}`;

it("what a killed process left is removed, what others made stays", () => {
  expect(dead).not.toBe(makerMark());
  const folder = tempDir();
  const own = `a${TEMP_LABEL}${makerMark()}-1`;
  for (const name of [own, `a${TEMP_LABEL}${foreign}-1`, `a${TEMP_LABEL}7-1`, `${dead}.txt`, "a"]) {
    writeFileSync(join(folder, name), "");
  }
  const kept = readdirSync(folder);
  writeFileSync(join(folder, `a${TEMP_LABEL}${dead}-1`), "");
  mkdirSync(join(folder, `.work${TEMP_LABEL}${dead}-x`, "inner"), { recursive: true });
  sweepLeft(folder, TEMP_LABEL);
  expect(readdirSync(folder)).toEqual(kept);
  sweepLeft(join(folder, "absent"), TEMP_LABEL);
  expect([own, foreign, dead].map(isLeftBehind)).toEqual([false, false, true]);
});

it("a lock sweeps also what its dead makers had not written a word to", () => {
  const folder = tempDir();
  const path = join(folder, "x.lock");
  writeFileSync(`${path}.tmp.00.0.${dead}`, "");
  writeFileSync(`${path}.tmp.00.0.${foreign}`, "");
  using _lock = acquireLock(path, "a test");
  expect(readdirSync(folder)).toEqual(["x.lock", `x.lock.tmp.00.0.${foreign}`]);
});

it("a file is written beside its place under its maker's mark", () => {
  const folder = tempDir();
  mkdirSync(join(folder, "taken"));
  // The rename fails where a folder lies, and the temporary file is gone again.
  expect(() => writeFileDurable(join(folder, "taken"), Buffer.from("x"))).toThrow(/cannot write/);
  expect(readdirSync(folder)).toEqual(["taken"]);
});
