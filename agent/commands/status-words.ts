import type { FoundStanding } from "../../keeper/index.ts";
import { ColdkeepError, type ErrorKind, type NodeName } from "../../vault/names/index.ts";
import { type Tiers, tierWords } from "../../vault/retain/index.ts";
import { ALARM_TODO, type Alarm, alarmWords, type Standing } from "../../vault/watch/index.ts";
import { counted, facts, formatBytes, formatDuration, formatHeights, formatTime } from "../report/index.ts";
import type { Pause } from "../state/index.ts";
import type { MonthlyCost } from "./status-cost.ts";

/** One node in one vault. */
export interface NodeStatus {
  readonly node: NodeName;
  readonly vault: string;
  readonly url: string;
  readonly standing: Standing;
  /** There are older snapshots, which were not looked at. */
  readonly more: boolean;
  /** When its timer starts it next; null where that is not known. */
  readonly next: number | null;
  /** Until when no backups are made; null where they are. */
  readonly pause: Pause | null;
  readonly tiers: Tiers;
  /** Null where it lies on no bill of AWS's. */
  readonly cost: MonthlyCost | null;
  /** False where the configuration says nothing of tiers. */
  readonly tiersWritten: boolean;
  /** That it is retired, or is being deleted. */
  readonly said?: FoundStanding;
  /** Why nothing is known. */
  readonly error?: ColdkeepError;
}

export function documentOf({ node, vault, url, standing, more, next, pause, said, cost, error }: NodeStatus): object {
  const { latest, ageMs, proven, counts, storedBytes, growth, alarms } = standing;
  return {
    node,
    vault,
    url,
    ok: alarms.length === 0,
    alarms: alarms.map((alarm) => ({ ...alarm, words: alarmWords(alarm) })),
    latest,
    age_ms: ageMs,
    proven,
    next_run: next,
    paused: pause,
    snapshots: { ...counts, ...(more ? { more: true } : {}) },
    stored_bytes: storedBytes,
    growth: growth === null ? null : { stored_per_day: growth.storedPerDay, content_per_day: growth.contentPerDay },
    cost: cost === null ? null : { month: Math.round(cost.month * 10_000) / 10_000, currency: cost.currency },
    ...(said === undefined ? {} : { said }),
    ...(error === undefined ? {} : { error: { kind: error.kind, message: error.message } }),
  };
}

export function textOf(status: NodeStatus, now: number): string {
  const { node, vault, url, standing, next, pause, tiers, tiersWritten } = status;
  const { latest, proven, alarms } = standing;
  const head = `${node}  ${alarms.length > 0 ? "ALARM" : (status.said?.state ?? "good")}  in ${vault}, ${url}`;
  if (status.error !== undefined) return `${head}\n${alarms.map(alarmLine).join("\n")}`;
  const ago = (time: number) => `${formatDuration(Math.max(0, now - time))} ago, ${formatTime(time)}`;
  const rows: (readonly [string, string])[] = [
    ["latest", latest === null ? "no good snapshot" : `${latest.snapshot}, ${ago(latest.received)}`],
    ["height", formatHeights(latest?.heights)],
    ["proven", proven === null ? "never by a restore drill" : `${proven.snapshot}, ${ago(proven.at)}`],
    [
      "size",
      latest === null
        ? "-"
        : `${formatBytes(latest.bytes.total)} in ${counted(latest.bytes.files, "file")}${downtimeOf(latest)}`,
    ],
    ["stored", storedWords(status)],
    [
      "next run",
      next === null
        ? "no timer of systemd is known"
        : `in ${formatDuration(Math.max(0, next - now))}, ${formatTime(next)}`,
    ],
    ["tiers", `${tierWords(tiers)}${tiersWritten ? "" : " (nothing is written: nothing expires by itself)"}`],
  ];
  if (status.cost !== null) {
    const { month, currency } = status.cost;
    rows.push(["cost", `some ${month.toFixed(2)} ${currency} a month by list prices; \`coldkeep cost\` has the bill`]);
  }
  if (status.said !== undefined) {
    const { state, since, reason, renamed_to: name } = status.said;
    const more = [...(name === undefined ? [] : [`goes on as ${name}`]), ...(reason === undefined ? [] : [reason])];
    rows.splice(0, 0, [state, `since ${formatTime(since)}${more.length === 0 ? "" : `: ${more.join("; ")}`}`]);
  } else if (pause !== null) {
    const reason = pause.reason === undefined ? "" : `: ${pause.reason}`;
    rows.splice(0, 0, ["paused", `until ${formatTime(pause.until)}${reason}`]);
  }
  const indented = facts(rows).replaceAll(/^/gm, "  ");
  return [head, indented, ...alarms.map(alarmLine)].join("\n");
}

function downtimeOf({ downtime_ms }: NonNullable<Standing["latest"]>): string {
  return downtime_ms === undefined ? "" : `; down for ${formatDuration(downtime_ms)}`;
}

function storedWords({ standing: { counts, storedBytes, growth }, more }: NodeStatus): string {
  const all = counts.good + counts.broken + counts.damaged + counts.expired;
  const others = (["expired", "broken", "damaged"] as const).filter((state) => counts[state] > 0);
  const beside = others.map((state) => `, ${counts[state]} ${state}`).join("");
  const grows =
    growth === null ? "" : `; ${formatBytes(growth.storedPerDay)} a day (node ${signed(growth.contentPerDay)} a day)`;
  return `${formatBytes(storedBytes)} by ${more ? "the newest " : ""}${counted(all, "snapshot")}${beside}${grows}`;
}

function signed(bytes: number): string {
  return `${bytes < 0 ? "-" : "+"}${formatBytes(Math.abs(bytes))}`;
}

/** What is amiss, by names that stay the same while it is. */
export function amissOf({ vault, standing }: NodeStatus): [name: string, of: { kind: string; words: string }][] {
  return standing.alarms.map((alarm) => {
    const which = alarm.kind === "damaged" ? ` ${alarm.snapshot}` : "";
    const words = `in ${vault}, ${alarmWords(alarm)}. ${ALARM_TODO[alarm.kind]}`;
    return [`${alarm.kind}${which} in ${vault}`, { kind: alarm.kind, words }];
  });
}

function alarmLine(alarm: Alarm): string {
  return `  ! ${alarmWords(alarm)}`;
}

/** Worst first: what has no backup at all goes before what may be damaged. */
const KINDS: readonly (readonly [Alarm["kind"], ErrorKind])[] = [
  ["none", "stale"],
  ["stale", "stale"],
  ["damaged", "integrity"],
  ["unreachable", "vault"],
  ["unproven", "unproven"],
];

/** The one error that decides the exit code; null where all is well. */
export function failureOf(statuses: readonly NodeStatus[]): ColdkeepError | null {
  for (const [alarm, kind] of KINDS) {
    const hit = statuses.filter(({ standing }) => standing.alarms.some((one) => one.kind === alarm));
    const [first] = hit;
    if (first === undefined) continue;
    const words = first.standing.alarms.find((one) => one.kind === alarm);
    return new ColdkeepError(alarm === "unreachable" ? (first.error?.kind ?? kind) : kind, {
      what: "something is amiss",
      on: hit.map(({ node, vault }) => `${node} in ${vault}`).join(", "),
      ...(words === undefined ? {} : { why: alarmWords(words) }),
      todo: ALARM_TODO[alarm],
    });
  }
  return null;
}
