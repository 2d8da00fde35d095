import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { pythonOrSkip } from "../support/python.ts";
import { softHsmOrSkip } from "../support/softhsm.ts";
import { tempDir } from "../support/tmp.ts";
import { toolOrSkip } from "../support/tools.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const project = fileURLToPath(new URL("../../", import.meta.url));

/** Runs a small project's tests under the tally reporter; its last line, its exit status and the written tally. */
function run(files: Readonly<Record<string, string>>) {
  const folder = tempDir("coldkeep-tally");
  symlinkSync(join(project, "node_modules"), join(folder, "node_modules"));
  mkdirSync(join(folder, "support"));
  cpSync(join(project, "test/support/tally.ts"), join(folder, "support/tally.ts"));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(
    join(folder, "vitest.config.ts"),
    'export default { test: { include: ["*.test.ts"], reporters: ["default", "./support/tally.ts"] } };\n',
  );
  for (const [name, code] of Object.entries(files)) {
    writeFileSync(join(folder, name), `import { beforeAll, describe, expect, it } from "vitest";\n${code}\n`);
  }
  const tally = join(folder, "tally.json");
  const { stdout, status } = spawnSync(process.execPath, [join(project, "node_modules/vitest/vitest.mjs"), "run"], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, COLDKEEP_TALLY: tally, NO_COLOR: "1" },
  });
  return { last: stdout.trimEnd().split("\n").at(-1), status, tally: JSON.parse(readFileSync(tally, "utf8")) };
}

describe("the tally", () => {
  it("counts, names what was skipped, and comes last", () => {
    const { last, status, tally } = run({
      "a.test.ts": 'describe("b", () => { it("c", () => {}); it.skip("d", () => {}); it.todo("e"); });',
    });
    expect(last).toBe("1 passed, 0 failed, 2 skipped");
    expect(status).toBe(0);
    expect(tally).toEqual({
      passed: 1,
      failed: 0,
      skipped: 2,
      skippedNames: ["a.test.ts > b > d", "a.test.ts > b > e"],
    });
  });

  it("counts what went wrong outside any test", () => {
    const { last, status } = run({
      "import.test.ts": 'import "./missing.ts";\nit("a", () => {});',
      "hook.test.ts": 'describe("b", () => { beforeAll(() => { throw new Error("no"); }); it("c", () => {}); });',
      "stray.test.ts": 'it("d", () => { void Promise.reject(new Error("stray")); });',
      "red.test.ts": 'it("e", () => expect(1).toBe(2)); it("f", () => {});',
    });
    expect(last).toBe("2 passed, 4 failed, 1 skipped");
    expect(status).toBe(1);
  });
});

describe("the sum of a CI run", () => {
  function sum(tallies: readonly object[], ci: string) {
    const folder = tempDir("coldkeep-sum");
    tallies.forEach((tally, index) => {
      writeFileSync(join(folder, `${index + 1}.json`), JSON.stringify(tally));
    });
    const { stdout, status } = spawnSync(process.execPath, [join(project, ".ci/sum.mjs"), folder], {
      encoding: "utf8",
      env: { ...process.env, CI: ci },
    });
    return { lines: stdout.trimEnd().split("\n"), status };
  }

  it("adds up, alone on the last line", () => {
    const { lines, status } = sum(
      [
        { passed: 3, failed: 0, skipped: 0 },
        { passed: 4, failed: 0, skipped: 0 },
      ],
      "true",
    );
    expect(lines.at(-1)).toBe("7 passed, 0 failed, 0 skipped");
    expect(status).toBe(0);
  });

  it("fails where one run failed", () => {
    const { lines, status } = sum(
      [
        { passed: 3, failed: 0, skipped: 0 },
        { passed: 0, failed: 1, skipped: 0 },
      ],
      "true",
    );
    expect(lines.at(-1)).toBe("3 passed, 1 failed, 0 skipped");
    expect(status).toBe(1);
  });

  it("fails where nothing ran", () => {
    expect(sum([], "true").status).toBe(1);
  });

  it("takes an unexplained skip for a failure in CI, and names it elsewhere", () => {
    const tally = { passed: 1, failed: 0, skipped: 1, skippedNames: ["test/x.test.ts > quietly left out"] };
    // Services write it as they please.
    for (const ci of ["true", "1", "True"])
      expect(sum([tally], ci).lines.at(-1), ci).toBe("1 passed, 1 failed, 0 skipped");
    const { lines, status } = sum([tally], "");
    expect(lines.join("\n")).toContain("quietly left out");
    expect(lines.at(-1)).toBe("1 passed, 0 failed, 1 skipped");
    expect(status).toBe(0);
  });
});

describe("what cannot run for want of a program", () => {
  it.each(["1", "true", "yes"])("is an error where CI is %s, whoever asks", async (ci) => {
    vi.stubEnv("CI", ci);
    vi.stubEnv("PATH", tempDir("coldkeep-no-tools"));
    expect(() => toolOrSkip("age", "age")).toThrow(/age is missing.*apt-get install age/);
    expect(() => pythonOrSkip({ missing: "no python3" })).toThrow("no python3");
    await expect(softHsmOrSkip()).rejects.toThrow(/SoftHSM is missing/);
  });

  it.each([undefined, ""])("is skipped by name where CI is %o", async (ci) => {
    vi.stubEnv("CI", ci);
    vi.stubEnv("PATH", tempDir("coldkeep-no-tools"));
    expect(toolOrSkip("age", "age")).toMatchObject({ skip: true, title: expect.stringContaining("age is missing") });
    expect(pythonOrSkip({ missing: "no python3" })).toMatchObject({ skip: true });
    expect(await softHsmOrSkip()).toMatchObject({ skip: true, title: expect.stringContaining("SoftHSM is missing") });
  });
});
