import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { sharedTempDir } from "../support/tmp.ts";
import { PLANTS } from "./plants.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));

interface Diagnostic {
  readonly category: string;
  readonly message: string;
  readonly severity: string;
  readonly location: { readonly path: string };
}

/** Lints a folder that holds the project's own rules; everything found, as `category: message`, by file. */
function lint(folder: string): Map<string, string[]> {
  let output: string;
  const command = ["lint", "--reporter=json", "--max-diagnostics=none", "--vcs-enabled=false", "."];
  try {
    output = execFileSync(join(project, "node_modules/.bin/biome"), command, {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      maxBuffer: 64 << 20,
    });
  } catch (error) {
    output = (error as { stdout: string }).stdout;
  }
  const { diagnostics } = JSON.parse(output) as { diagnostics: Diagnostic[] };
  const found = new Map<string, string[]>();
  for (const { category, message, severity, location } of diagnostics) {
    if (severity !== "error") continue;
    const list = found.get(location.path) ?? [];
    list.push(`${category}: ${message}`);
    found.set(location.path, list);
  }
  return found;
}

describe("walls", () => {
  let found: Map<string, string[]>;

  beforeAll(() => {
    const folder = sharedTempDir("coldkeep-walls");
    for (const name of ["biome.json", "package.json", "lint"]) {
      cpSync(join(project, name), join(folder, name), { recursive: true });
    }
    for (const { file, code } of PLANTS) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), code);
    }
    found = lint(folder);
  });

  for (const { file, code, refusal } of PLANTS) {
    const line = code.trim().split("\n")[0];
    if (refusal === null) {
      it(`lets ${file} say: ${line}`, () => {
        expect(found.get(file) ?? []).toEqual([]);
      });
    } else {
      it(`refuses ${file}: ${line}`, () => {
        expect((found.get(file) ?? []).join("\n")).toContain(refusal);
      });
    }
  }
});

describe("the table of walls", () => {
  it("has a rule for every room there is", () => {
    const { overrides } = JSON.parse(readFileSync(join(project, "biome.json"), "utf8")) as {
      overrides: { includes: string[] }[];
    };
    const covered = new Set(overrides.flatMap(({ includes }) => includes));
    const folders = (parent: string) =>
      readdirSync(join(project, parent), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => `${parent}/${entry.name}/**`);
    const rooms = [
      ...folders("vault"),
      ...folders("agent"),
      "keeper/**",
      "lambdas/**",
      "infra/**",
      "posix/**",
      "demo/**",
    ];
    expect(rooms.filter((name) => !covered.has(name))).toEqual([]);
  });

  it("is the one that docs/ARCHITECTURE.md shows", () => {
    const { overrides } = JSON.parse(readFileSync(join(project, "biome.json"), "utf8")) as {
      overrides: { includes: string[]; linter?: { rules?: { style?: { noRestrictedImports?: unknown } } } }[];
    };
    const held = overrides
      .filter(({ linter }) => linter?.rules?.style?.noRestrictedImports !== undefined)
      .flatMap(({ includes }) => includes.filter((glob) => glob.endsWith("/**") && !glob.startsWith("!")))
      .map((glob) => glob.slice(0, -"/**".length));
    const page = readFileSync(join(project, "docs/ARCHITECTURE.md"), "utf8");
    const shown = [...page.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap((row) =>
      [...(row[1] ?? "").matchAll(/`([^`]+)`/g)].map((name) => name[1]),
    );
    expect(held.length).toBeGreaterThan(15);
    expect(held.filter((room) => !shown.includes(room))).toEqual([]);
  });

  it("gives a reason with every import rule", () => {
    const { overrides } = JSON.parse(readFileSync(join(project, "biome.json"), "utf8")) as {
      overrides: {
        linter?: { rules?: { style?: { noRestrictedImports?: { options: { patterns: { message?: string }[] } } } } };
      }[];
    };
    const patterns = overrides.flatMap(
      ({ linter }) => linter?.rules?.style?.noRestrictedImports?.options.patterns ?? [],
    );
    expect(patterns.length).toBeGreaterThan(40);
    for (const { message } of patterns) expect(message ?? "").toMatch(/^.{40,}\.$/s);
  });
});
