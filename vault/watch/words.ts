import { formatDuration } from "../names/index.ts";
import type { Alarm } from "./types.ts";

/** An alarm for people; without whose it is. */
export function alarmWords(alarm: Alarm): string {
  switch (alarm.kind) {
    case "none":
      return "there is no good snapshot";
    case "stale":
      return `the newest good snapshot is ${formatDuration(alarm.ageMs)} old, ${formatDuration(alarm.allowedMs)} are allowed`;
    case "damaged":
      return `${alarm.snapshot} is damaged${alarm.why === "" ? "" : `: ${alarm.why}`}`;
    case "unproven":
      return `${alarm.ever ? "the newest drill was" : "no drill was ever, and the oldest good snapshot is of"} ${formatDuration(alarm.sinceMs)} ago, ${formatDuration(alarm.allowedMs)} are allowed`;
    case "unreachable":
      return `nothing is known: ${alarm.why}`;
  }
}

/** What is done about it. */
export const ALARM_TODO: Readonly<Record<Alarm["kind"], string>> = {
  none: "`coldkeep backup` makes one; the timer's journal tells why it did not",
  stale: "`coldkeep backup` makes one; the timer's journal tells why it did not",
  damaged: "`coldkeep repair` puts back what can be had; `coldkeep backup --full` stores everything anew",
  unreachable: "`coldkeep doctor` tells what is missing",
  unproven: "`coldkeep drill` restores the latest into a scratch place and proves it",
};
