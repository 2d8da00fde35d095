import { redactTokens, safe } from "../../vault/names/index.ts";
import type { Sink } from "./terminal.ts";

export type LogFormat = "text" | "json";
export type LogLevel = "info" | "warn" | "error";

/** What a line is about, beside its words. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/**
 * One line an event, on a pipe or a file: `2026-01-15T00:00:00.000Z info freeze bytes=12`, or the same as JSON. Never
 * more than one line, whatever a name or an answer contains.
 */
export function logLine(
  format: LogFormat,
  now: number,
  level: LogLevel,
  words: string,
  fields: LogFields = {},
): string {
  const time = new Date(now).toISOString();
  if (format === "json") return `${redactTokens(JSON.stringify({ time, level, message: words, ...fields }))}\n`;
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`);
  return `${time} ${level} ${oneLine(words)}${rest.join("")}\n`;
}

export function writeLog(sink: Sink, ...line: Parameters<typeof logLine>): void {
  sink.write(logLine(...line));
}

function fieldText(value: string | number | boolean | null): string {
  if (typeof value !== "string") return String(value);
  return /^[\w./:+-]+$/.test(value) ? value : JSON.stringify(oneLine(value));
}

function oneLine(text: string): string {
  return safe(text).replaceAll("\n", "\\n");
}
