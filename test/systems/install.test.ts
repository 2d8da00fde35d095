import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { assertPrintedNoKey } from "../support/learn-secrets.ts";
import { sharedTempDir } from "../support/tmp.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
/** Without the project's own programs: what a user has who never saw a checkout. */
const PATH = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((folder) => !folder.includes("node_modules"))
  .join(delimiter);
const OLD_NODE =
  'data:text/javascript,Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } });';

/** What an installed copy needs at run time; all else is bundled. */
const { dependencies, optionalDependencies, devDependencies } = JSON.parse(
  readFileSync(join(PROJECT, "package.json"), "utf8"),
) as Record<"dependencies" | "optionalDependencies" | "devDependencies", Readonly<Record<string, string>>>;

const folder = sharedTempDir("coldkeep-install");
let tarball = "";

beforeAll(() => {
  must(spawnSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: PROJECT, encoding: "utf8" }));
  const name = readdirSync(folder).find((file) => file.endsWith(".tgz"));
  if (name === undefined) throw new Error("npm pack made no package");
  tarball = join(folder, name);
});

describe("npm install --omit=dev of the package, in an empty folder", () => {
  const place = join(folder, "plain");
  beforeAll(() => install(place));

  it("brings the native packages and nothing that it was built with", () => {
    const there = packagesIn(place);
    expect(there).toContain("coldkeep");
    expect(there).toEqual(expect.arrayContaining(Object.keys(dependencies)));
    expect(there).toContain(`node-linux-${process.arch}`);
    expect(there.filter((name) => name in devDependencies)).toEqual([]);
    const known = ["coldkeep", ...Object.keys(dependencies), ...Object.keys(optionalDependencies)];
    expect(there.filter((name) => !known.includes(name) && !name.startsWith("@koromix/"))).toEqual([]);
  });

  it("backs up, lists, verifies and restores by whatever Node runs npm", () => {
    const { said, restored } = wholeJob(place, (words) => command(place, words));
    expect(restored).toEqual({ small: "hello\n", large: "block ".repeat(500_000) });
    expect(said).not.toMatch(/not to be had here|ExperimentalWarning|DeprecationWarning/);
  });
});

describe("npm install --omit=dev --omit=optional, without native code built either", () => {
  const place = join(folder, "least");
  beforeAll(() => install(place, "--omit=optional", "--ignore-scripts"));
  const by = (node: readonly string[], words: readonly string[]) =>
    spawnSync(process.execPath, [...node, join(place, "node_modules/coldkeep/dist/coldkeep.mjs"), ...words], {
      encoding: "utf8",
      cwd: place,
    });

  it("brings no Node", () => {
    expect(packagesIn(place).filter((name) => name.startsWith("node-") || name === "pkcs11js")).toEqual([]);
  });

  it("says what to install to an older Node", () => {
    const { status, stdout, stderr } = by(["--import", OLD_NODE], ["list"]);
    expect(stderr).toContain("coldkeep needs Node 24 or newer; this is Node 20.1.0");
    expect(stderr).toContain("https://nodejs.org");
    expect(stdout).toBe("");
    expect(status).toBe(1);
  });

  it("does the whole job by a Node 24 that is there, and says what it does without", () => {
    const { said, restored } = wholeJob(place, (words) => by([], words));
    expect(restored).toEqual({ small: "hello\n", large: "block ".repeat(500_000) });
    expect(said).toContain("not to be had here: holes of sparse files");
  });
});

function install(place: string, ...options: string[]): void {
  mkdirSync(place);
  const words = ["install", "--omit=dev", "--no-audit", "--no-fund", ...options, tarball];
  must(spawnSync("npm", words, { cwd: place, encoding: "utf8", env: { ...process.env, PATH } }));
  expect(existsSync(join(place, "node_modules", ".bin", "coldkeep"))).toBe(true);
}

/** As a shell finds it: by its first line, hence by the Node that is on PATH. */
function command(place: string, words: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(join(place, "node_modules", ".bin", "coldkeep"), words, {
    encoding: "utf8",
    cwd: place,
    env: { ...process.env, PATH },
  });
}

/** Names of the installed packages, those of scopes with their scope. */
function packagesIn(place: string): string[] {
  const modules = join(place, "node_modules");
  return readdirSync(modules)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) => (name.startsWith("@") ? readdirSync(join(modules, name)).map((one) => `${name}/${one}`) : name));
}

function wholeJob(place: string, run: (words: string[]) => SpawnSyncReturns<string>) {
  const data = join(place, "data");
  mkdirSync(data);
  writeFileSync(join(data, "small"), "hello\n");
  writeFileSync(join(data, "large"), "block ".repeat(500_000));
  const up = join(place, "up");
  writeFileSync(up, "");
  const config = join(place, "config.yaml");
  const said = [
    [
      ...["init", "--state-dir", join(place, "state"), "--vault", join(place, "vault")],
      ...["--key-file", join(place, "key"), "--node", "demo", "--profile", "files", "--root", `data=${data}`],
      ...["--stop", `rm -f ${up}`, "--start", `touch ${up}`, "--is-running", `test -e ${up}`],
    ],
    ["backup"],
    ["list"],
    ["verify", "--read-data"],
    ["restore", "latest", "--to", join(place, "restored")],
  ].map((words) => {
    const argv = [...words, "--config", config];
    const printed = must(run(argv));
    assertPrintedNoKey(argv, printed);
    return printed;
  });
  expect(existsSync(up), "the node runs").toBe(true);
  const read = (name: string) => readFileSync(join(place, "restored", "data", name), "utf8");
  return { said: said.join("\n"), restored: { small: read("small"), large: read("large") } };
}

/** What it printed. @throws Error where it did not end with 0. */
function must({ status, stdout, stderr, error }: SpawnSyncReturns<string>): string {
  if (status !== 0) throw new Error(`ended with ${status}: ${stderr}${stdout}`, { cause: error });
  return stdout + stderr;
}
