import type { IndexEntry } from "../../vault/card/types.ts";
import { formatBytes, formatDuration, formatHeights, safe } from "../../vault/names/index.ts";
import { planRetention, tierWords } from "../../vault/retain/index.ts";
import { ALARM_TODO, alarmWords } from "../../vault/watch/index.ts";
import { packHistory } from "./history.ts";
import { type PageInput, type PageNode, STATES, TIERS } from "./types.ts";

const DAY = 86_400_000;
/** So many days are shown of each node at one look. */
const STRIP = 45;
const MAX_WORDS = 500;
const MAX_NAME = 120;
/** Of very many, the first are as good as all. */
const MAX_ALARMS = 20;

/** What the page tells of one node. Pure. */
export function describeNode(input: PageInput): PageNode {
  const { node, vault, standing, entries, more, next, paused, tiers, now } = input;
  const { latest, proven, counts, storedBytes, growth, alarms, dues } = standing;
  const tierOf = tiersBy(input);
  const grows = growth === null ? "" : `${formatBytes(growth.storedPerDay)} a day`;
  return {
    node: words(node, MAX_NAME),
    vault: words(vault, MAX_NAME),
    profile: words(latest?.profile ?? entries[0]?.profile ?? "", MAX_NAME),
    at: now,
    latest:
      latest === null
        ? null
        : {
            id: latest.snapshot,
            at: latest.received,
            height: words(formatHeights(latest.heights)),
            size: formatBytes(latest.bytes.total),
            down: latest.downtime_ms === undefined ? "" : formatDuration(latest.downtime_ms),
          },
    proven: proven === null ? null : { id: proven.snapshot, at: proven.at },
    next,
    paused: paused === null ? null : { until: paused.until, why: words(paused.reason ?? "") },
    tiers: words(tierWords(tiers)),
    counts: [counts.good, counts.broken, counts.damaged, counts.expired],
    more,
    stored: storedBytes,
    grows: growth?.storedPerDay ?? null,
    growth: grows,
    alarms: alarms
      .slice(0, MAX_ALARMS)
      .map((alarm) => [alarm.kind, words(alarmWords(alarm)), ALARM_TODO[alarm.kind]] as const),
    dues: [dues.stale, dues.unproven],
    has: lettersOf(entries, tierOf),
    days: daysOf(entries, tierOf, now),
    history: packHistory(entries, tierOf),
  };
}

/** The longest of the tiers that keep each snapshot, as retention would decide now: its place in TIERS. */
function tiersBy({ entries, tiers, isOdd, now }: PageInput): (entry: IndexEntry) => number {
  const candidates = entries.map((entry) => ({
    snapshot: entry.snapshot,
    writer: entry.writer,
    good: entry.state === "good" || entry.state === "expired",
    odd: isOdd(entry),
    received: entry.received,
    tags: entry.tags,
    ...(entry.heights === undefined ? {} : { heights: entry.heights }),
    bytes: entry.bytes,
    pinned: entry.pinned === true,
    expired: entry.expired ?? null,
  }));
  const { decisions } = planRetention({ candidates, tiers, now });
  const found = new Map(decisions.map(({ snapshot, reasons }) => [snapshot, tierOfReasons(reasons)]));
  return ({ snapshot }) => found.get(snapshot) ?? 0;
}

function tierOfReasons(reasons: readonly string[]): number {
  // Tags are anybody's words.
  const rules = reasons.filter((reason) => !reason.startsWith("tag "));
  const longest = TIERS.findLastIndex(([, name]) => rules.some((rule) => rule.split(" ").includes(name)));
  if (longest > 0) return longest;
  if (rules.some((rule) => rule === "pinned" || rule === "permanent") || rules.length < reasons.length) return 1;
  return rules.length > 0 ? 2 : 0;
}

function stateLetter({ state }: IndexEntry): string {
  return STATES.find(([, name]) => name === state)?.[0] ?? "G";
}

function lettersOf(entries: readonly IndexEntry[], tierOf: (entry: IndexEntry) => number): string {
  const letters = new Set<string>();
  for (const entry of entries) {
    letters.add(stateLetter(entry));
    // What would keep it is no news of one that is lost.
    if (entry.state === "good") letters.add(TIERS[tierOf(entry)]?.[0] ?? "n");
    if (entry.proven !== undefined) letters.add("P");
    if (entry.pinned === true) letters.add("I");
  }
  return [...letters].sort().join("");
}

/** A sign for each of the last days, UTC: what is amiss first, else the longest tier. */
function daysOf(entries: readonly IndexEntry[], tierOf: (entry: IndexEntry) => number, now: number): string {
  const today = Math.floor(now / DAY);
  const days: number[] = Array.from({ length: STRIP }, () => -1);
  const bad = ["E", "B", "D"];
  for (const entry of entries) {
    const at = STRIP - 1 - (today - Math.floor(entry.received / DAY));
    const rank = entry.state === "good" ? 1 + tierOf(entry) : bad.indexOf(stateLetter(entry)) * 100;
    if (at >= 0 && at < STRIP) days[at] = Math.max(days[at] ?? -1, rank);
  }
  return days.map((rank) => (rank < 0 ? "." : (bad[rank / 100] ?? TIERS[rank - 1]?.[0] ?? "."))).join("");
}

function words(text: string, most = MAX_WORDS): string {
  const shown = safe(text);
  return shown.length <= most ? shown : `${shown.slice(0, most)}…`;
}
