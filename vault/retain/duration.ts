const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What a duration must look like, for messages. */
export const DURATION_FORM = "a whole number with a unit: ms, s, m, h or d, such as 90s or 5m";

/** Milliseconds of a text such as `90s`, `5m` or `7d`; null where it is none, or longer than ten years. */
export function parseDuration(text: string): number | null {
  const match = /^(0|[1-9]\d{0,9})(ms|s|m|h|d)$/.exec(text);
  const unit = UNITS[match?.[2] ?? ""];
  if (match === null || unit === undefined) return null;
  const milliseconds = Number(match[1]) * unit;
  return milliseconds <= 3650 * 86_400_000 ? milliseconds : null;
}
