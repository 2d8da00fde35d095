import { zoneOf } from "../../vault/retain/index.ts";

/** Times at which a node may be stopped: on these days (0 is Sunday), from and to in minutes after midnight. */
export interface Window {
  readonly days: readonly number[];
  readonly from: number;
  /** Not later than `from`: it ends on the next day. */
  readonly to: number;
}

/** What a window must look like, for messages. */
export const WINDOW_FORM = "days and times such as mon-fri 02:00-05:00, sat,sun 22:00-06:00 or 01:00-04:30";

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const WEEK = DAYS.length;
const MINUTES = 24 * 60;

/** The window of a text; null where it is none. */
export function parseWindow(text: string): Window | null {
  const match = /^(?:([a-z,-]+) +)?(\d{2}):(\d{2})-(\d{2}):(\d{2})$/.exec(text.trim().toLowerCase());
  if (match === null) return null;
  const [, written, ...times] = match;
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = times.map(Number);
  const from = fromHour * 60 + fromMinute;
  const to = toHour * 60 + toMinute;
  if (fromMinute > 59 || toMinute > 59 || from >= MINUTES || to > MINUTES || from === to) return null;
  const days = written === undefined ? DAYS.map((_, day) => day) : daysOf(written);
  return days === null ? null : { days, from, to };
}

function daysOf(written: string): number[] | null {
  const days = new Set<number>();
  for (const part of written.split(",")) {
    const [first = "", last = first, ...more] = part.split("-");
    const [begin, end] = [DAYS.indexOf(first), DAYS.indexOf(last)];
    if (begin < 0 || end < 0 || more.length > 0) return null;
    for (let day = begin; ; day = (day + 1) % WEEK) {
      days.add(day);
      if (day === end) break;
    }
  }
  return [...days].sort((a, b) => a - b);
}

/** Whether one of them is open at a moment, by the clocks of a zone; always where there are none. */
export function isOpen(windows: readonly Window[], timezone: string, time: number): boolean {
  return windows.length === 0 || isOpenLocally(windows, time + zoneOf(timezone).offset(time));
}

function isOpenLocally(windows: readonly Window[], local: number): boolean {
  const date = new Date(local);
  const day = date.getUTCDay();
  const minute = date.getUTCHours() * 60 + date.getUTCMinutes();
  const yesterday = (day + WEEK - 1) % WEEK;
  return windows.some(({ days, from, to }) =>
    from < to
      ? days.includes(day) && minute >= from && minute < to
      : (days.includes(day) && minute >= from) || (days.includes(yesterday) && minute < to),
  );
}

const MINUTE = 60_000;

/** When the next one opens after a moment at which all are closed; null where there are none. */
export function nextOpening(windows: readonly Window[], timezone: string, time: number): number | null {
  if (windows.length === 0) return null;
  const zone = zoneOf(timezone);
  const first = Math.ceil(time / MINUTE) * MINUTE;
  // A week and a day: clocks may be set forward over the only opening of a week.
  for (let at = first; at <= first + 8 * MINUTES * MINUTE; at += MINUTE) {
    if (isOpenLocally(windows, at + zone.offset(at))) return at;
  }
  return null;
}
