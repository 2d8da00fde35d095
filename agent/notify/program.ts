import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

const LIMIT_MS = 30_000;

/**
 * Runs a program that reads a message from its standard input.
 * @throws Error with the last line it said, where it does not end with 0 in time
 */
export async function feed(line: string | readonly string[], input: string, signal: AbortSignal): Promise<void> {
  const [file = "", ...words] = typeof line === "string" ? ["/bin/sh", "-c", line] : line;
  const child = spawn(file, words, {
    stdio: ["pipe", "ignore", "pipe"],
    signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]),
  });
  // One that reads nothing closes its end; how it ends tells more.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const said = text(child.stderr).catch(() => "");
  const [code, killed] = (await once(child, "close")) as [number | null, string | null];
  if (code === 0) return;
  const last = (await said).trim().split("\n").at(-1) ?? "";
  throw new Error(
    `${code === null ? `it was ended by ${killed}` : `it ended with ${code}`}${last === "" ? "" : `: ${last}`}`,
  );
}
