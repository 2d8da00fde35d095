import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ColdkeepError, messageOf, systemCode } from "../../vault/names/index.ts";

const run = promisify(execFile);

/** A time for a timer, as somebody typed it after a flag. */
export interface Calendar {
  readonly flag: string;
  readonly expression: string;
}

/**
 * Has systemd itself read them, before anything is written: a timer with a time that it does not understand never fires.
 * @returns false where this machine has no systemd-analyze, so that nothing is known
 * @throws ColdkeepError `usage` for the first that it does not understand
 */
export async function checkCalendars(calendars: readonly Calendar[]): Promise<boolean> {
  for (const { flag, expression } of calendars) {
    try {
      // What begins with a dash is an expression, too, and a wrong one.
      await run("systemd-analyze", ["calendar", "--", expression], { encoding: "utf8" });
    } catch (error) {
      if (systemCode(error) === "ENOENT") return false;
      const said = typeof error === "object" && error !== null && "stderr" in error ? String(error.stderr).trim() : "";
      throw new ColdkeepError("usage", {
        what: "systemd does not understand when that is",
        on: `${flag} ${JSON.stringify(expression)}`,
        why: said === "" ? messageOf(error) : said,
        todo: "systemd.time(7) tells how it is written; `systemd-analyze calendar '*-*-* 02:00'` tries one",
      });
    }
  }
  return true;
}
