import { zoneOf } from "../../vault/retain/index.ts";
import { TICK_MINUTES } from "./contract.ts";
import type { NodeSettings, Settings } from "./settings.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

/** The nodes whose hour lies between this tick and the next. @param tick milliseconds since the epoch. */
export function dueNodes(settings: Settings, tick: number): readonly NodeSettings[] {
  const from = Math.floor(tick / (TICK_MINUTES * MINUTE)) * TICK_MINUTES * MINUTE;
  return [...settings.values()].filter((node) => isDue(node, from, from + TICK_MINUTES * MINUTE));
}

/** A time of day that the clocks skip or show twice on some day is one moment all the same. */
function isDue({ at, tiers }: NodeSettings, from: number, to: number): boolean {
  const zone = zoneOf(tiers.timezone);
  const today = Math.floor((from + zone.offset(from)) / DAY) * DAY;
  return [today - DAY, today, today + DAY].some((day) => {
    const moment = zone.toTime(day + at * MINUTE);
    return moment >= from && moment < to;
  });
}
