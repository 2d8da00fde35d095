import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT_CODES } from "../../agent/exit-codes.ts";
import { fishCompletion, zshCompletion } from "../../agent/reference/index.ts";
import { renderManual } from "../../tools/manual.ts";
import { outlineOfCli } from "../support/outline.ts";
import { lacking } from "./support/lacking.ts";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "coldkeep-shells-"));
  writeFileSync(join(folder, "_coldkeep"), zshCompletion(await outlineOfCli()));
  writeFileSync(join(folder, "coldkeep.fish"), fishCompletion(await outlineOfCli()));
  writeFileSync(join(folder, "coldkeep.1"), await renderManual());
});
afterAll(() => rmSync(folder, { recursive: true }));

const noFish = lacking("fish");
describe.skipIf(noFish !== "")(`completion in fish${noFish}`, () => {
  const offered = (line: string) =>
    execFileSync("fish", ["-N", "-c", `source ${folder}/coldkeep.fish; complete -C ${JSON.stringify(line)}`], {
      encoding: "utf8",
      env: { ...process.env, HOME: folder },
    })
      .split("\n")
      .filter((said) => said !== "")
      .map((said) => said.split("\t", 1)[0]);

  it("offers commands, the words that follow one, its flags, and what they allow", () => {
    expect(offered("coldkeep ver")).toEqual(["verify"]);
    expect(offered("coldkeep key ")).toEqual(
      expect.arrayContaining(["add", "generate", "list", "remove", "rotate", "test"]),
    );
    expect(offered("coldkeep --node a restore --de")).toEqual(["--delta", "--delta-from"]);
    expect(offered("coldkeep list --log-format ")).toEqual(expect.arrayContaining(["json", "text"]));
    expect(offered("coldkeep list --de")).toEqual([]);
  });
});

const noZsh = lacking("zsh");
describe.skipIf(noZsh !== "")(`completion in zsh${noZsh}`, () => {
  // zsh completes on a terminal alone: it is given one of its own, and told to list what it would offer.
  const offered = (line: string) => {
    const ask = `
      zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell 'PROMPT="<ready>" RPROMPT=""; fpath=(${folder} $fpath); autoload -Uz compinit; compinit -u -d ${folder}/dump; LISTMAX=0; LINES=999; bindkey "^X" list-choices'
      zpty -r -m shell said '*compinit*<ready>*'
      zpty -n -w shell $'${line}\\x18'
      zpty -n -w shell $'\\x15print DO""NE\\n'
      zpty -r -m shell said $'*\\nDONE*'
      print -r -- "$said"`;
    return execFileSync("zsh", ["-f", "-c", ask], {
      encoding: "utf8",
      env: { ...process.env, TERM: "dumb" },
      timeout: 30_000,
    });
  };

  it("offers commands and the words that follow one", () => {
    const said = offered("coldkeep key ");
    for (const word of ["add", "generate", "list", "remove", "rotate", "test"]) expect(said).toMatch(`${word} `);
  });

  it("offers flags with what they do", () => {
    expect(offered("coldkeep restore --delta")).toContain("--delta-from");
  });
});

const noMandoc = lacking("mandoc");
it.skipIf(noMandoc !== "")(`the manual page is clean troff${noMandoc}`, () => {
  const { stdout } = spawnSync("mandoc", ["-T", "lint", "-W", "warning", join(folder, "coldkeep.1")], {
    encoding: "utf8",
  });
  // The page carries the version, and no date: the same sources make the same bytes.
  expect(stdout.split("\n").filter((line) => line !== "" && !line.includes("missing date"))).toEqual([]);
});

const noMan = lacking("man", "man-db");
describe.skipIf(noMan !== "")(`the manual page in man${noMan}`, () => {
  const page = () => join(folder, "coldkeep.1");
  const plain = { ...process.env, LC_ALL: "C.UTF-8", MANPAGER: "cat", MANWIDTH: "80", MANROFFOPT: "" };

  it("is shown by man -l without a warning of groff, with every command and exit code", async () => {
    const {
      stdout: text,
      stderr,
      status,
    } = spawnSync("man", ["--warnings=w", "-l", page()], {
      encoding: "utf8",
      env: plain,
    });
    expect([status, stderr]).toEqual([0, ""]);
    for (const section of ["NAME", "SYNOPSIS", "COMMANDS", "EXIT STATUS"])
      expect(text).toMatch(new RegExp(`^${section}$`, "m"));
    for (const { code } of Object.values(EXIT_CODES)) expect(text).toMatch(new RegExp(`^ +${code}\\b`, "m"));
    for (const words of ["backup", "restore", "serve", "key rotate", "ovn kick", "cloud agent-policy"]) {
      expect(text).toMatch(new RegExp(`^ +coldkeep ${words}\\b`, "m"));
    }
    // A dash that is typed is a dash: who copies a flag from the page gets one that works.
    expect(text).toContain("--browse");
    expect(text).not.toMatch(/[\u2010-\u2015\u2212]-?browse/);
  });

  it("has a name that whatis and apropos find", () => {
    expect(execFileSync("lexgrog", [page()], { encoding: "utf8" })).toMatch(/coldkeep\.1: "coldkeep - .+"/);
  });

  it("is clean for groff itself, warnings and all", () => {
    const { stderr } = spawnSync("groff", ["-man", "-Tutf8", "-ww", "-z", page()], { encoding: "utf8", env: plain });
    expect(stderr).toBe("");
  });
});
