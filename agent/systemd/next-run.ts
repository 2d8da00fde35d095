import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const PATIENCE_MS = 2000;

/**
 * When systemd starts the timer's unit next, milliseconds since the epoch; null where there is no such timer, or no
 * systemd to ask. Never throws: nothing hangs on the answer.
 */
export async function nextRun(timer: string): Promise<number | null> {
  const words = ["show", "--timestamp=unix", "--property=NextElapseUSecRealtime", "--value", "--", timer];
  try {
    const { stdout } = await run("systemctl", words, { timeout: PATIENCE_MS, encoding: "utf8" });
    const seconds = /^@(\d+)/.exec(stdout.trim())?.[1];
    return seconds === undefined ? null : Number(seconds) * 1000;
  } catch {
    return null;
  }
}
