import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { assertPrintedNoKey } from "../support/learn-secrets.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { emulator } from "./emulator/index.ts";
import { type S3Call, type S3Proxy, startProxy } from "./proxy.ts";
import { endpointOf, makeBucket } from "./s3.ts";

const aws = await emulator();
const missing = "missing" in aws ? ` (${aws.missing})` : "";
const CLI = fileURLToPath(new URL("../../bin/coldkeep.mjs", import.meta.url));
const MIB = 1 << 20;
const FILES = 4;
/** What does not compress, a little less than a pack each. */
const FILE_BYTES = 15 * MIB;

const isPack = ({ key }: S3Call) => key.endsWith(".pack");
const sizeOf = ({ headers }: S3Call) => Number(headers["x-amz-decoded-content-length"] ?? headers["content-length"]);

/** What is cut off by kill -9 goes on: seen by what went over the wire, on a vault in S3, by the command line. */
describe.skipIf(missing !== "")(`a run that is killed (kill -9)${missing}`, { timeout: 240_000 }, () => {
  const folder = sharedTempDir("coldkeep-resume");
  const data = join(folder, "data");
  const up = join(folder, "up");
  let proxy: S3Proxy;

  beforeAll(async () => {
    proxy = await startProxy(endpointOf(aws));
    const bucket = await makeBucket(endpointOf(aws));
    mkdirSync(data);
    for (let n = 0; n < FILES; n += 1) writeFileSync(join(data, `${n}.table`), randomBytes(FILE_BYTES));
    writeFileSync(up, "");
    await finish(
      ...["init", "--vault", `s3://${bucket}/nodes`, "--endpoint", proxy.endpoint, "--region", "us-east-1"],
      ...["--state-dir", join(folder, "state"), "--key-file", join(folder, "key"), "--node", "demo"],
      ...["--profile", "files", "--root", `data=${data}`],
      ...["--stop", `rm -f ${up}`, "--start", `touch ${up}`, "--is-running", `test -e ${up}`],
    );
  });
  afterAll(() => proxy.stop());

  function start(...words: string[]): ChildProcess {
    const child = spawn(process.execPath, [CLI, ...words, "--json", "--config", join(folder, "config.yaml")], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  }

  /** Runs a command to its end. @throws Error where that is not 0. */
  async function finish<T>(...words: string[]): Promise<T> {
    const child = spawn(process.execPath, [CLI, ...words, "--json", "--config", join(folder, "config.yaml")]);
    const said = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said.out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said.err += text));
    const [status] = await once(child, "close");
    assertPrintedNoKey(child.spawnargs.slice(2), said.out + said.err);
    if (status !== 0) throw new Error(`coldkeep ${words.join(" ")} ended with ${status}: ${said.err}${said.out}`);
    return JSON.parse(said.out) as T;
  }

  async function kill(child: ChildProcess): Promise<void> {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    expect((await ended)[1]).toBe("SIGKILL");
  }

  /** Lets that many calls through and answers no more; the calls that were let through. */
  function cutOffAfter(count: number, which: (call: S3Call) => boolean): S3Call[] {
    const passed: S3Call[] = [];
    proxy.behave((call) => {
      if (!which(call)) return "pass";
      if (passed.length === count) return "stall";
      passed.push(call);
      return "pass";
    });
    return passed;
  }

  it("a backup puts no pack again that the vault has", async () => {
    const passed = cutOffAfter(2, (call) => call.kind === "PUT" && isPack(call));
    const killed = start("backup");
    const journals = () => globSync(join(folder, "state", "demo", "runs", "*", "journal"));
    const received = () =>
      journals().flatMap((path) => readFileSync(path, "utf8").match(/"receipt":"[^"]*\.pack"/g) ?? []);
    await vi.waitFor(() => expect(received()).toHaveLength(2), { timeout: 60_000, interval: 20 });
    await kill(killed);
    const before = passed.reduce((sum, call) => sum + sizeOf(call), 0);

    const again = cutOffAfter(Number.POSITIVE_INFINITY, (call) => call.kind === "PUT" && isPack(call));
    const { snapshot, bytes } = await finish<{ snapshot: string; bytes: { added: number } }>("backup");
    const after = again.reduce((sum, call) => sum + sizeOf(call), 0);
    expect(before).toBeGreaterThan(FILE_BYTES);
    // All chunks once, and what frames and lists of entries take.
    expect(before + after).toBeLessThan(FILES * FILE_BYTES + MIB);
    expect(bytes.added).toBeLessThan(FILES * FILE_BYTES - before + MIB);
    expect(existsSync(up), "the node runs").toBe(true);
    expect(await finish("verify", snapshot, "--read-data")).toMatchObject({ ok: true });
  });
});
