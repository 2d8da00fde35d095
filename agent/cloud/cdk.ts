import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { CloudPlace } from "./clients.ts";

/** What a stack is made and deployed with; the versions that coldkeep was tested with, as package.json has them. */
export const CDK_PACKAGES = { "aws-cdk": "2.1148.1", "aws-cdk-lib": "2.276.0", constructs: "10.8.1" } as const;

/** The cdk program, and the app that it runs. */
export interface Cdk {
  readonly program: string;
  readonly app: string;
  /** The CDK's feature flags, which decide what a stack looks like. */
  readonly flags: object;
}

/**
 * Finds the CDK beside coldkeep: as it takes 200 MB, it is no part of it.
 * @throws ColdkeepError `config` with the line that installs it.
 */
export function findCdk(): Cdk {
  const here = fileURLToPath(import.meta.url);
  const packaged = join(dirname(here), "infra", "app.js");
  const sources = join(dirname(here), "..", "..", "infra", "packaged.ts");
  const app = existsSync(packaged) ? packaged : sources;
  const require = createRequire(app);
  const found = Object.entries(CDK_PACKAGES).map(([name, wanted]) => ({ name, wanted, ...lookFor(require, name) }));
  const lacking = found.filter(({ version, wanted }) => version === null || isOlder(version, wanted));
  if (lacking.length > 0) throw lacks(app, lacking);
  const flags =
    app === packaged
      ? readJson(join(dirname(app), "flags.json"))
      : (readJson(join(dirname(app), "..", "cdk.json")) as { readonly context: object }).context;
  return { program: join(found[0]?.folder ?? "", "bin", "cdk"), app, flags };
}

function lookFor(require: NodeJS.Require, name: string): { readonly folder: string; readonly version: string | null } {
  try {
    const path = require.resolve(`${name}/package.json`);
    const { version } = readJson(path) as { readonly version?: unknown };
    return { folder: dirname(path), version: typeof version === "string" ? version : null };
  } catch {
    return { folder: "", version: null };
  }
}

/** Whether it is below the one that is wanted, or of another generation, of which nothing is known. */
function isOlder(version: string, wanted: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const [ours = 0, least = 0, lowest = 0] = wanted.split(".").map(Number);
  return major !== ours || minor < least || (minor === least && patch < lowest);
}

function lacks(app: string, lacking: readonly { readonly name: string; readonly version: string | null }[]) {
  const words = lacking.map(({ name, version }) => (version === null ? `no ${name}` : `${name} ${version}`));
  const all = Object.entries(CDK_PACKAGES).map(([name, version]) => `${name}@${version}`);
  return new ColdkeepError("config", {
    what: "the AWS CDK is not there",
    on: words.join(", "),
    why: "coldkeep deploys its stack by it, and does not bring its 200 MB along",
    todo: `install it beside coldkeep: npm install ${placeOf(app)} ${all.join(" ")}`,
  });
}

/** Where npm is to put what coldkeep finds from its own place. */
function placeOf(app: string): string {
  const root = join(dirname(app), "..", ...(app.endsWith(".js") ? [".."] : []));
  const modules = dirname(root);
  if (basename(modules) !== "node_modules") return `--prefix ${root}`;
  const project = dirname(modules);
  return existsSync(join(project, "package.json")) ? `--prefix ${project}` : "--global";
}

function readJson(path: string): object {
  return JSON.parse(readFileSync(path, "utf8")) as object;
}

export interface CdkRun {
  readonly place: CloudPlace;
  /** What the cdk is asked to do, such as `deploy`. */
  readonly words: readonly string[];
  readonly context: Readonly<Record<string, string>>;
  /** Hears all that it says; null: it speaks to the terminal itself, and may ask there. */
  readonly say: ((text: string) => void) | null;
}

/**
 * Runs the cdk in a folder of its own, so that no other app's cdk.json has a say, and gives `read` that folder.
 * @throws ColdkeepError `vault` where it does not end well: it has said why.
 */
export async function runCdk<T>(cdk: Cdk, o: CdkRun, read: (folder: string) => T): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "coldkeep-cdk-"));
  try {
    const app = `${JSON.stringify(process.execPath)} ${JSON.stringify(cdk.app)}`;
    writeFileSync(
      join(folder, "cdk.json"),
      JSON.stringify({
        ...{ app, output: "cdk.out", pathMetadata: false, versionReporting: false, notices: false },
        context: { ...cdk.flags, ...o.context },
      }),
    );
    const code = await run(cdk.program, folder, o);
    if (code === 0) return read(folder);
    throw new ColdkeepError(o.place.signal.aborted ? "interrupted" : "vault", {
      what: `cdk ${o.words[0] ?? ""} did not come to its end`,
      why: `it ended with ${code}; what it said stands above`,
      todo: "mend it, and run it again: what was done already is not done twice",
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(program: string, cwd: string, { place, words, say }: CdkRun): Promise<number | string> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [program, ...words, "--no-notices"], {
      cwd,
      env: {
        ...place.env,
        ...(place.region === undefined ? {} : { AWS_REGION: place.region, AWS_DEFAULT_REGION: place.region }),
        CDK_DISABLE_CLI_TELEMETRY: "true",
      },
      // What it prints is progress: stdout is the answer's.
      stdio: say === null ? ["inherit", 2, 2] : ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text) => say?.(text));
    const end = () => child.kill("SIGTERM");
    place.signal.addEventListener("abort", end, { once: true });
    child.once("error", failed);
    child.once("close", (code, signal) => {
      place.signal.removeEventListener("abort", end);
      done(code ?? signal ?? "nothing");
    });
  });
}
