/** A time zone's calendar. Local times are milliseconds that read as UTC: `new Date(local).getUTCHours()`. */
export interface Zone {
  /** Milliseconds that the zone's clocks are ahead of UTC at a moment. */
  offset(time: number): number;
  /** The moment at which the zone's clocks show a local time. */
  toTime(local: number): number;
}

/** Offsets change at a quarter of an hour, nowhere more finely since the zones' rules began to be used by computers. */
const QUARTER = 900_000;

export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** @throws RangeError where there is no such zone. */
export function zoneOf(name: string): Zone {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: name,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const known = new Map<number, number>();

  function offset(time: number): number {
    const quarter = Math.floor(time / QUARTER);
    const there = known.get(quarter);
    if (there !== undefined) return there;
    const found = ask(quarter * QUARTER);
    known.set(quarter, found);
    return found;
  }

  function ask(time: number): number {
    const fields: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(time)) fields[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(time / 1000) * 1000;
  }

  // Of a time that clocks show twice, or never, this takes the moment that Go's time.Date does.
  const toTime = (local: number) => {
    const first = offset(local);
    return first === 0 ? local : local - offset(local - first);
  };
  return { offset, toTime };
}
