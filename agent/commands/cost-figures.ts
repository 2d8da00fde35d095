import type { IndexEntry } from "../../vault/card/index.ts";
import type { CostPlan } from "../cost/index.ts";

const DAY = 86_400_000;
/** As the stack has them where nothing is said. */
export const USUAL = { keptDays: 15, graceDays: 7, lockDays: 30, rereadDays: 30 } as const;
export const PACK = 16 << 20;

export type Figures = Pick<CostPlan, "bytes" | "added" | "perDay">;

/** What lies there, what each of the newest added, how often they come: by a node's snapshots, newest first; null without any. */
export function figuresFrom(entries: readonly Pick<IndexEntry, "bytes" | "received" | "state">[]): Figures | null {
  const there = entries.filter(({ state }) => state !== "broken");
  const [newest] = there;
  const oldest = there.at(-1);
  if (newest === undefined || oldest === undefined) return null;
  const later = there.slice(0, -1).map(({ bytes }) => bytes.stored);
  const first = oldest.bytes.stored;
  const added = later.length === 0 ? first / 100 : later.reduce((sum, one) => sum + one, 0) / later.length;
  const span = newest.received - oldest.received;
  return { bytes: first, added, perDay: span < DAY ? 1 : (later.length * DAY) / span };
}

/** What a plan has beside figures, where no stack's configuration says it. */
export function usualPlan(): Omit<CostPlan, "bytes" | "added" | "perDay" | "packBytes" | "restored"> {
  const { keptDays: usedDays, graceDays, lockDays, rereadDays } = USUAL;
  const days = Math.max(usedDays + graceDays, lockDays);
  return { nodes: 1, days, usedDays, rereadDays, transitions: [], tickets: false };
}
