import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const COLDKEEP = fileURLToPath(new URL("../bin/coldkeep.mjs", import.meta.url));

/** What a run of the command line came to. */
interface CliRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `coldkeep <words…>` as a user does, in a process of its own. `signal` asks it to stop; its end is waited for all
 * the same, as it brings the node back first.
 */
async function coldkeep(words: readonly string[], signal: AbortSignal): Promise<CliRun> {
  const child = spawn(process.execPath, [COLDKEEP, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  const stop = () => child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [status] = (await once(child, "close")) as [number | null];
  signal.removeEventListener("abort", stop);
  return { status: status ?? 1, stdout, stderr };
}

/** The JSON document that a successful run printed. @throws Error with what the run said where it did not succeed. */
export async function coldkeepJson<T>(words: readonly string[], signal: AbortSignal): Promise<T> {
  const { status, stdout, stderr } = await coldkeep([...words, "--json"], signal);
  if (status !== 0) throw new Error(`coldkeep ${words[0]} ended with ${status}:\n${stderr || stdout}`);
  return JSON.parse(stdout) as T;
}

/** What a successful run printed for people. @throws Error with what the run said where it did not succeed. */
export async function coldkeepText(words: readonly string[], signal: AbortSignal): Promise<string> {
  const { status, stdout, stderr } = await coldkeep(words, signal);
  if (status !== 0) throw new Error(`coldkeep ${words[0]} ended with ${status}:\n${stderr || stdout}`);
  return stdout;
}
