import { formatBytes, formatDuration, formatRate, type Progress, safe } from "../../vault/names/index.ts";
import { type LogFormat, writeLog } from "./log.ts";
import type { Sink, Styles } from "./terminal.ts";

export interface ReportClock {
  now(): number;
  monotonic(): number;
}

/** A progress that can be closed: the last stage ends, a line that was being redrawn is finished. */
export interface Report extends Progress {
  /** `failed` where the stage that runs did not come to its end. */
  close(failed?: boolean): void;
}

/** How often a terminal's line is redrawn, and how often a pipe hears of a long stage. Milliseconds. */
const REDRAW_MS = 100;
const HEARTBEAT_MS = 30_000;

interface Stage {
  readonly name: string;
  readonly total: number | undefined;
  readonly began: number;
  done: number;
  spoke: number;
}

/** Says what happens on a terminal: one line for the stage that runs, redrawn; finished stages stay. */
export function terminalProgress(sink: Sink, clock: ReportClock, styles: Styles): Report {
  let stage: Stage | null = null;
  let drawn = false;

  const clear = () => {
    if (drawn) sink.write("\r\u001b[2K");
    drawn = false;
  };
  const draw = (now: number) => {
    if (stage === null) return;
    stage.spoke = now;
    clear();
    sink.write(runningLine(stage, now, widthOf(sink)));
    drawn = true;
  };
  const end = (failed: boolean) => {
    if (stage === null) return;
    clear();
    const took = clock.monotonic() - stage.began;
    const mark = failed ? styles.bad("✗") : styles.good("✓");
    sink.write(`${mark} ${stage.name.padEnd(10)} ${styles.faint(finishedWords(stage, took))}\n`);
    stage = null;
  };
  const line = (text: string) => {
    clear();
    sink.write(`${text}\n`);
    draw(clock.monotonic());
  };

  return {
    stage(name, total) {
      end(false);
      const now = clock.monotonic();
      stage = { name: safe(name), total, began: now, done: 0, spoke: now };
      draw(now);
    },
    advance(bytes) {
      if (stage === null) return;
      stage.done += bytes;
      const now = clock.monotonic();
      if (now - stage.spoke >= REDRAW_MS) draw(now);
    },
    note: (text) => line(`  ${styles.faint(safe(text))}`),
    warn: (text) => line(`${styles.warn("!")} ${safe(text)}`),
    close: (failed = false) => end(failed),
  };
}

/** The same for pipes and logs: a structured line an event, and one every half minute of a long stage. */
export function logProgress(sink: Sink, clock: ReportClock, format: LogFormat): Report {
  let stage: Stage | null = null;

  const end = (failed: boolean) => {
    if (stage === null) return;
    const ms = Math.round(clock.monotonic() - stage.began);
    const fields = { ms, ...(stage.done > 0 ? { bytes: stage.done } : {}) };
    writeLog(
      sink,
      format,
      clock.now(),
      failed ? "error" : "info",
      `${stage.name}: ${failed ? "ended early" : "done"}`,
      fields,
    );
    stage = null;
  };

  return {
    stage(name, total) {
      end(false);
      const now = clock.monotonic();
      stage = { name, total, began: now, done: 0, spoke: now };
      writeLog(sink, format, clock.now(), "info", name, total === undefined ? {} : { total });
    },
    advance(bytes) {
      if (stage === null) return;
      stage.done += bytes;
      const now = clock.monotonic();
      if (now - stage.spoke < HEARTBEAT_MS) return;
      stage.spoke = now;
      const { name, done, total, began } = stage;
      const rate = Math.round((done * 1000) / (now - began));
      const left = total === undefined || done === 0 || done >= total ? null : ((total - done) * (now - began)) / done;
      writeLog(sink, format, clock.now(), "info", name, {
        bytes: done,
        ...(total === undefined ? {} : { total }),
        bytes_per_s: rate,
        ...(left === null ? {} : { left_s: Math.round(left / 1000) }),
      });
    },
    note: (text) => writeLog(sink, format, clock.now(), "info", text),
    warn: (text) => writeLog(sink, format, clock.now(), "warn", text),
    close: (failed = false) => end(failed),
  };
}

/** Says nothing and keeps what the user should act on, for the JSON document at the end. */
export function keptProgress(): Report & { readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  return {
    warnings,
    stage() {},
    advance() {},
    note() {},
    warn: (text) => void warnings.push(text),
    close() {},
  };
}

function runningLine({ name, total, done, began }: Stage, now: number, columns: number): string {
  const took = now - began;
  const parts = [`  ${name.padEnd(10)}`];
  if (total !== undefined && total > 0) {
    const share = Math.min(1, done / total);
    parts.push(
      bar(share),
      `${String(Math.floor(share * 100)).padStart(3)} %`,
      `${formatBytes(done)} of ${formatBytes(total)}`,
    );
  } else if (done > 0) parts.push(formatBytes(done));
  if (done > 0) parts.push(formatRate(done, took));
  // A rate of the first moments says nothing about the rest.
  if (total !== undefined && done > 0 && done < total && took > 2000) {
    parts.push(`${formatDuration(((total - done) * took) / done)} left`);
  }
  return parts.join(" ").slice(0, Math.max(10, columns - 1));
}

function finishedWords({ done }: Stage, took: number): string {
  const time = formatDuration(took);
  return done === 0 ? time : `${formatBytes(done)} in ${time}${took < 1 ? "" : `, ${formatRate(done, took)}`}`;
}

function bar(share: number): string {
  const full = Math.round(share * 20);
  return `${"█".repeat(full)}${"░".repeat(20 - full)}`;
}

/** Terminals that do not tell their width say 0. */
function widthOf({ columns = 0 }: Sink): number {
  return columns > 0 ? columns : 80;
}
