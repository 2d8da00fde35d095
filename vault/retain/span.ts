import type { Span } from "./types.ts";
import type { Zone } from "./zone.ts";

/** What a span must look like, for messages. */
export const SPAN_FORM = "a length of time such as 15d, 6m, 2y or 1y6m7d2h: y years, m months, d days, h hours";

const FORM = /^(?:(\d{1,3})y)?(?:(\d{1,4})m)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?$/;

/** The span a text names, in the spelling of `restic forget`; null where it is none or nothing. */
export function parseSpan(text: string): Span | null {
  const match = FORM.exec(text);
  if (match === null) return null;
  const [years = 0, months = 0, days = 0, hours = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return years + months + days + hours === 0 ? null : { years, months, days, hours };
}

export function formatSpan({ years, months, days, hours }: Span): string {
  const parts = [`${years}y`, `${months}m`, `${days}d`, `${hours}h`];
  return parts.filter((part) => !/^0/.test(part)).join("");
}

/** About how long it is, in milliseconds, to tell longer from shorter. */
export function roughLength({ years, months, days, hours }: Span): number {
  return ((years * 365.2425 + months * 30.436875 + days) * 24 + hours) * 3_600_000;
}

/**
 * The moment a span before `time`: years, months and days by the zone's calendar at the same time of day, then the
 * hours. A day the month does not have runs over into the next, as in Go's time.AddDate.
 */
export function goBack(time: number, { years, months, days, hours }: Span, zone: Zone): number {
  const local = new Date(time + zone.offset(time));
  const shifted = Date.UTC(
    local.getUTCFullYear() - years,
    local.getUTCMonth() - months,
    local.getUTCDate() - days,
    local.getUTCHours(),
    local.getUTCMinutes(),
    local.getUTCSeconds(),
    local.getUTCMilliseconds(),
  );
  return zone.toTime(shifted) - hours * 3_600_000;
}

/** A number of milliseconds in the largest unit that tells it exactly. */
export function formatPeriod(milliseconds: number): string {
  for (const [unit, length] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
  ] as const) {
    if (milliseconds % length === 0) return `${milliseconds / length}${unit}`;
  }
  return `${milliseconds}ms`;
}
