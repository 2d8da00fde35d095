import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Application, type CommandContext, generateHelpTextForAllCommands } from "@stricli/core";
import { describe, expect, it } from "vitest";
import { buildApp } from "../../agent/commands/app.ts";
import { ROUTES } from "../../agent/commands/routes.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const app = (await buildApp(() => {})) as unknown as Application<CommandContext>;
const helps = new Map<string, string>([["", "--help --version"]]);
for (const [route, help] of generateHelpTextForAllCommands(app)) helps.set(route.replace("coldkeep ", ""), help);
for (const [name, route] of Object.entries(ROUTES)) {
  if (typeof route === "object" && route.defaultCommand !== undefined) {
    helps.set(name, helps.get(`${name} ${route.defaultCommand}`) ?? "");
  }
}

/** All pages but two: CLI.md is made from the help, and the changelog tells of what was. */
const pages = [
  ...readdirSync(PROJECT).filter((name) => name.endsWith(".md") && name !== "CHANGELOG.md"),
  ...readdirSync(join(PROJECT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && name !== "CLI.md")
    .map((name) => join("docs", name)),
].sort();

/** What a page has typed after `coldkeep`: in spans of code, and in lines of its blocks, continued ones joined. */
function typedIn(page: string): string[] {
  const text = readFileSync(join(PROJECT, page), "utf8").replaceAll(/ \\\n\s+/g, " ");
  const blocks = [...text.matchAll(/^```\w*\n[\s\S]*?^```$|(?:^ {4}.*\n)+/gm)].map(([block]) => block);
  const spans = [...text.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span);
  const lines = blocks.flatMap((block) => block.split("\n")).map((line) => line.replace(/ +#.*/, ""));
  return [...spans.map((span) => span.replaceAll("\n", " ")), ...lines].flatMap((line) => {
    const [, words] = /(?:^|[\s$])coldkeep ((?:[a-z-]+)(?: .*)?)$/.exec(line.trim()) ?? [];
    return words === undefined ? [] : [words];
  });
}

/** What is wrong with a typed line: no such command, or flags that it has not. */
function faultOf(typed: string): string | null {
  const [first = "", second = ""] = typed.split(" ");
  const help = helps.get(`${first} ${second}`) ?? helps.get(first.startsWith("--") ? "" : first);
  const group = [...helps.keys()].some((route) => route.startsWith(`${first} `));
  if (help === undefined) return group && !/^[a-z]/.test(second) ? null : "there is no such command";
  const quoted = ` ${typed}`.replaceAll(/'[^']*'|"[^"]*"/g, "''").replace(/[;|&].*/, "");
  const flags = [...quoted.matchAll(/(?<=\s)--[a-z][a-z0-9-]*/g)].map(([flag]) => flag);
  const unknown = flags.filter((flag) => flag !== "--help" && !new RegExp(`\\s\\[?${flag}\\]?`).test(help));
  return unknown.length === 0 ? null : `it has no ${unknown.join(", ")}`;
}

describe("what the pages have typed are commands and flags that there are", () => {
  it.each(pages)("%s", (page) => {
    const faults = typedIn(page).flatMap((typed) => {
      const fault = faultOf(typed);
      return fault === null ? [] : [`coldkeep ${typed}: ${fault}`];
    });
    expect(faults).toEqual([]);
  });

  it("of which there are many, and a wrong one is seen", () => {
    expect(pages.flatMap(typedIn).length).toBeGreaterThan(150);
    expect(faultOf("restor latest")).toBe("there is no such command");
    expect(faultOf("key lst")).toBe("there is no such command");
    expect(faultOf("restore latest --too /srv")).toBe("it has no --too");
  });
});
