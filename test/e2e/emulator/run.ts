import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** Runs a program to its end. @throws Error with the last of what it said, where it fails. */
export async function run(
  program: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  cwd = process.cwd(),
): Promise<string> {
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"], env, cwd });
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  if (code === 0) return stdout;
  throw new Error(`${program} ${words.join(" ")} ended with ${code ?? signal}:\n${(stdout + stderr).slice(-4000)}`);
}

/** Whether a program is there and ends well. */
export async function works(program: string, words: readonly string[]): Promise<boolean> {
  try {
    await run(program, words);
    return true;
  } catch {
    return false;
  }
}
