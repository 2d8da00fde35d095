import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bashCompletion } from "../../../agent/reference/index.ts";
import { outlineOfCli } from "../../support/outline.ts";

let folder: string;
let script: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "coldkeep-completion-"));
  script = join(folder, "coldkeep.bash");
  writeFileSync(script, bashCompletion(await outlineOfCli()));
  writeFileSync(join(folder, "a key.txt"), "");
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What bash would offer after these words, the last of which is being typed. */
function offered(...words: string[]): string[] {
  const ask = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _coldkeep; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const said = execFileSync("bash", ["-c", ask, "bash", script, "coldkeep", ...words], { encoding: "utf8" });
  return said.split("\n").filter((line) => line !== "");
}

describe("completion in bash", () => {
  it("offers commands, and the words that follow one", () => {
    expect(offered("ver")).toEqual(["verify"]);
    expect(offered("key", "")).toEqual(["list", "add", "remove", "rotate", "test", "generate"]);
  });

  it("offers the flags of the command that was typed, wherever global flags stand", () => {
    expect(offered("restore", "--de")).toEqual(["--delta", "--delta-from"]);
    expect(offered("--config", "x.yaml", "key", "add", "--id")).toEqual(["--identity"]);
    expect(offered("list", "--de")).toEqual([]);
  });

  it("offers what a flag allows, and files where it takes one", () => {
    expect(offered("list", "--log-format", "")).toEqual(["text", "json"]);
    expect(offered("backup", "--config", join(folder, "a"))).toEqual([join(folder, "a key.txt")]);
    expect(offered("list", "--node", "")).toEqual([]);
  });
});
