import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
/** It writes times of the local zone, in words of the locale. */
const UTC = { ...process.env, TZ: "UTC", LC_ALL: "C" };
const PATIENCE_MS = 2000;

/**
 * When systemd starts the timer's unit next, milliseconds since the epoch; null where there is no such timer, or no
 * systemd to ask. Never throws: nothing hangs on the answer.
 */
export async function nextRun(timer: string): Promise<number | null> {
  const words = ["show", "--property=NextElapseUSecRealtime", "--value", "--", timer];
  try {
    const { stdout } = await run("systemctl", words, { timeout: PATIENCE_MS, encoding: "utf8", env: UTC });
    const [, day, time] = /(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}) UTC/.exec(stdout) ?? [];
    return day === undefined ? null : Date.parse(`${day}T${time}Z`);
  } catch {
    return null;
  }
}
