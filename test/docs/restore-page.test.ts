import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { EXIT_CODES } from "../../agent/exit-codes.ts";
import { type Host, makeHost } from "../cli/host.ts";
import { runHere } from "../cli/run.ts";
import { pythonOrSkip, pythonWith } from "../support/python.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { blocksOf } from "./page.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(PROJECT, "docs/RESTORE.md"), "utf8");
const found = await pythonWith(join(PROJECT, "tools/requirements.txt"));
const { skip, title } = pythonOrSkip(found);

/** The page for the worst night, done as it is written. */
describe("docs/RESTORE.md", () => {
  const home = sharedTempDir("coldkeep-restore-page");
  let host: Host;

  beforeAll(async () => {
    host = await makeHost(home, { node: "icon", height: 1200 });
    await host.json("backup");
  });

  it("its steps work in their order on the node's own host", async () => {
    const [, steps = ""] = /## The node's own host\n([\s\S]*?)\n## /.exec(page) ?? [];
    const typed = [...steps.matchAll(/`coldkeep ([^`]+)`/g)].map(([, words = ""]) => words.split(" "));
    expect(typed.map(([command]) => command)).toEqual(["list", "status", "restore", "restore"]);
    rmSync(join(home, "up"));
    rmSync(join(host.data, "small"));
    for (const words of typed) {
      const { code, stderr } = await host.run(words);
      expect(code, `${words.join(" ")}: ${stderr}`).toBe(0);
    }
    expect(host.isUp()).toBe(true);
    expect(readFileSync(join(host.data, "small"), "utf8")).toBe("hello\n");
  });

  it("names exit codes and flags that there are", async () => {
    const codes = new Set<number>(Object.values(EXIT_CODES).map(({ code }) => code));
    const told = [...page.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, cell = ""]) => cell.split(",").map(Number));
    expect(told.length).toBeGreaterThan(6);
    expect(told.filter((code) => !codes.has(code))).toEqual([]);
    const help = await runHere(["restore", "--help"]);
    const [, own = ""] = /## The node's own host\n([\s\S]*?)\n## /.exec(page) ?? [];
    for (const [flag] of own.matchAll(/--[a-z][a-z-]+/g)) expect(help.stdout, flag).toContain(flag);
  });

  it.skipIf(skip)(`restores without coldkeep by the commands it has${title}`, () => {
    const python = "python" in found ? found.python : "";
    // The packages are pinned by hash and kept between runs: the two lines that bring them are not run anew.
    symlinkSync(dirname(dirname(python)), join(home, "reader"));
    symlinkSync(join(PROJECT, "tools"), join(home, "tools"));
    const [block] = blocksOf("RESTORE.md").filter(({ kind }) => kind === "sh");
    const lines = (block?.text ?? "").trimEnd().split("\n");
    expect(lines.slice(0, -1)).toEqual([
      "python3 -m venv reader",
      "reader/bin/python -m pip install --require-hashes -r tools/requirements.txt",
    ]);
    const here = (lines.at(-1) ?? "")
      .replace("/backup/vault", host.vault)
      .replace("/etc/coldkeep/icon.key", host.key)
      .replace("/srv/restored", join(home, "restored"));
    writeFileSync(join(home, "read.sh"), here);
    execFileSync("sh", ["-eu", "read.sh"], { cwd: home, stdio: "pipe" });
    expect(readFileSync(join(home, "restored/data/small"), "utf8")).toBe("hello\n");
  });
});
