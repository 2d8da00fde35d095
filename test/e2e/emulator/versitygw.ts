import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type GoModule, goPrograms } from "../../systems/support/go.ts";
import type { Emulator } from "./localstack.ts";
import { answers, freePort, serverFolder, startServer } from "./server.ts";
import type { Missing } from "./venv.ts";

const VERSITYGW: GoModule = {
  name: "versitygw",
  module: "github.com/versity/versitygw",
  version: "v1.7.0",
  packages: ["cmd/versitygw"],
  go: "1.25",
};
/** Ends the server where stdin ends: with whoever started it. */
const UNTIL_STDIN_ENDS = '"$@" & server=$!; cat >/dev/null; kill -9 $server; wait $server';

export interface VersityGw extends Emulator {
  /** Makes one more account, by the server's own admin interface. It may do what policies of buckets say, and no more. */
  createUser(): Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string }>;
}

/**
 * Starts VersityGW, an S3 server on plain files that enforces bucket policies, with one account that may do everything:
 * access key and secret are `test`. Built once from its source.
 */
export async function startVersityGw(): Promise<VersityGw | Missing> {
  const programs = await goPrograms(VERSITYGW);
  if (typeof programs !== "string") return programs;
  const binary = join(programs, "versitygw");
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
  return {
    endpoint,
    ...running,
    async createUser() {
      const [accessKeyId, secretAccessKey] = [
        `user-${randomBytes(6).toString("hex")}`,
        randomBytes(20).toString("hex"),
      ];
      const admin = ["admin", "--access", "test", "--secret", "test", "--endpoint-url", endpoint, "create-user"];
      const user = ["--access", accessKeyId, "--secret", secretAccessKey, "--role", "user"];
      await promisify(execFile)(binary, [...admin, ...user]);
      return { accessKeyId, secretAccessKey };
    },
  };
}
