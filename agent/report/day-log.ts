import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ColdkeepError, messageOf, redactTokens } from "../../vault/names/index.ts";
import { type LogFormat, type LogLevel, writeLog } from "./log.ts";
import { logProgress, type Report, type ReportClock } from "./progress.ts";
import type { Sink } from "./terminal.ts";

/** A file a day, to which each run adds what it does. */
export interface DayLog {
  /** The same report, and a line in the file for all that it is told. */
  beside(report: Report): Report;
  say(level: LogLevel, words: string): void;
}

/**
 * `<folder>/coldkeep-YYYYMMDD.log`, the day in UTC as the lines' times are. A file that cannot be written later on, as on a
 * full disk, ends no backup: `lost` is told once.
 * @throws ColdkeepError `permission` where nothing can be written there at the beginning.
 */
export function openDayLog(o: {
  readonly folder: string;
  readonly clock: ReportClock;
  readonly format: LogFormat;
  readonly lost: (words: string) => void;
}): DayLog {
  const { folder, clock, format } = o;
  const append = (text: string) => {
    const day = new Date(clock.now()).toISOString().slice(0, 10).replaceAll("-", "");
    appendFileSync(join(folder, `coldkeep-${day}.log`), redactTokens(text), { mode: 0o600 });
  };
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    append("");
  } catch (error) {
    throw new ColdkeepError("permission", {
      what: "no log can be written there",
      on: folder,
      why: messageOf(error),
      todo: "name a folder with --log-dir that this user may write to",
      cause: error,
    });
  }
  let lost = false;
  const sink: Sink = {
    write(text) {
      try {
        append(text);
      } catch (error) {
        if (!lost) o.lost(`the log in ${folder} has gaps: ${messageOf(error)}`);
        lost = true;
      }
    },
  };
  const log = logProgress(sink, clock, format);
  return {
    beside: (report) => ({
      ...report,
      stage(name, total) {
        report.stage(name, total);
        log.stage(name, total);
      },
      advance(bytes) {
        report.advance(bytes);
        log.advance(bytes);
      },
      note(text) {
        report.note(text);
        log.note(text);
      },
      warn(text) {
        report.warn(text);
        log.warn(text);
      },
      close(failed) {
        report.close(failed);
        log.close(failed);
      },
    }),
    say: (level, words) => writeLog(sink, format, clock.now(), level, words),
  };
}
