import { drillTimerOf, groupTimerOf, timerOf, WATCH_TIMER } from "./units.ts";

/** What a configuration has timers for. */
interface Known {
  readonly nodes: readonly string[];
  readonly groups: readonly string[];
  readonly watches: boolean;
}

/**
 * Of the timers that systemd has, those that an earlier `install` enabled for what is not in the configuration any more:
 * each night they would fail. Timers that others made are left alone.
 */
export function strayTimers(listed: readonly string[], { nodes, groups, watches }: Known): string[] {
  const known = new Set([
    ...nodes.flatMap((node) => [timerOf(node), drillTimerOf(node)]),
    ...groups.map(groupTimerOf),
    ...(watches ? [WATCH_TIMER] : []),
  ]);
  return listed.filter((timer) => isOurs(timer) && !known.has(timer));
}

function isOurs(timer: string): boolean {
  return timer === WATCH_TIMER || /^coldkeep(?:-group|-drill)?@.+\.timer$/.test(timer);
}
