import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { tempDir } from "../support/tmp.ts";
import { blocksOf, missingLines } from "./page.ts";

const MARK = "@@@ block";

/** Runs the blocks in order, in one shell and a bare home, and gives what each of them printed. */
function runBlocks(home: string, blocks: readonly string[]): string[] {
  const bin = join(home, "bin");
  mkdirSync(bin);
  const program = fileURLToPath(new URL("../../bin/coldkeep.mjs", import.meta.url));
  writeFileSync(join(bin, "coldkeep"), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
  chmodSync(join(bin, "coldkeep"), 0o755);
  const script = blocks.map((block) => `${block}\nprintf '\\n${MARK}\\n'`).join("\n");
  const printed = execFileSync("sh", ["-eu", "-c", script], {
    encoding: "utf8",
    cwd: home,
    env: { HOME: home, PATH: `${bin}:/usr/bin:/bin` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return printed.split(`\n${MARK}\n`);
}

it("the tutorial's commands do, word for word, what it says", { timeout: 180_000 }, () => {
  const home = tempDir("coldkeep-tutorial");
  const all = blocksOf("TUTORIAL.md");
  const commands = all.flatMap(({ kind, text }) => (kind === "sh" ? [text] : []));
  const printed = runBlocks(home, commands);
  let ran = -1;
  for (const { kind, text } of all) {
    if (kind === "sh") ran += 1;
    else expect(missingLines(text, printed[ran] ?? ""), printed[ran]).toEqual([]);
  }
  expect(ran).toBe(commands.length - 1);
  expect(existsSync(join(home, "tutorial")), "nothing is left").toBe(false);
});

it("what a page promises is seen to be missing", () => {
  expect(missingLines("a … c\nlast\n", "x\na b c\nlast\n")).toEqual([]);
  expect(missingLines("last\na … c\n", "a b c\nlast\n")).toEqual(["a … c"]);
  expect(missingLines("height  1.0\n", "height    1x0\n")).toEqual(["height  1.0"]);
});
