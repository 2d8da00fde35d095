import type { Finding } from "../profiles/index.ts";
import { counted, facts, formatBytes, formatDuration } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { BackupFlags } from "./backup.command.ts";
import type { Call } from "./define.ts";
import { type DowntimeForecast, foresee, type NodeForecast, noRoom } from "./node-forecast.ts";
import type { Session } from "./session.ts";

/** `coldkeep backup --dry-run` */
export async function foretell(session: Session, call: Call<BackupFlags>, finding: Finding | null): Promise<Answer> {
  const forecast = await foresee(session, call, finding);
  const failure = noRoom(forecast.freeze.rooms);
  return {
    document: { dry_run: true, ...documentOf(forecast) },
    text: textOf(forecast),
    ...(failure === null ? {} : { failure }),
  };
}

/** The same for programs; a group's forecast has one for each member. */
export function documentOf({ node, parent, freeze, downtime, upload, skipped, leftBehind }: NodeForecast): object {
  const { all, linked, reflinked, copied, snapshot, volumes, known, toRead, rooms, omitted } = freeze;
  return {
    node,
    parent,
    downtime:
      downtime === null
        ? null
        : { expected_ms: downtime.expectedMs, before_ms: downtime.beforeMs, runs: downtime.runs },
    content: { all, linked, reflinked, copied, snapshot, known },
    volumes,
    read: toRead,
    upload: { most: toRead, expected: upload },
    room: rooms.map(({ folder, toCopy, needed, free }) => ({ folder, to_copy: toCopy, needed, free })),
    skipped,
    left_behind: leftBehind,
    notes: omitted,
  };
}

function textOf(o: NodeForecast): string {
  const { all, linked, reflinked, copied, snapshot, volumes, known, toRead, rooms, omitted } = o.freeze;
  const amount = ({ files, bytes }: { readonly files: number; readonly bytes: number }) =>
    `${formatBytes(bytes)} in ${counted(files, "file")}`;
  const rows: (readonly [string, string])[] = [
    ["parent", o.parent ?? "none: everything is read and stored"],
    ["downtime", downtimeText(o.downtime)],
    ["content", amount(all)],
    ["linked", `${amount(linked)}, while the node runs`],
    ["reflinked", amount(reflinked)],
    ["copied", amount(copied)],
    ...(volumes.length === 0 ? [] : [["snapshot", `${amount(snapshot)}, of ${volumes.join(", ")}`] as const]),
    ["known", `${amount(known)}, which the parent has`],
    ["to read", formatBytes(toRead)],
    ["upload", uploadText(o.upload, toRead)],
    ...rooms.map(
      ({ folder, needed, free }) =>
        ["room", `${formatBytes(needed)} needed for copies, ${formatBytes(free)} free, in ${folder}`] as const,
    ),
  ];
  if (omitted.length > 0) rows.push(["left out", `${counted(omitted.length, "note")}; --json has them`]);
  if (o.skipped !== null) rows.unshift(["skipped", `no backup would be made now: ${o.skipped}`]);
  const left = o.leftBehind
    ? "\n\nA backup was cut off, or is running: the next one brings the node back before all else."
    : "";
  return `${facts(rows)}${left}\n\nNothing was changed: the node was not stopped, and no vault was asked.`;
}

function downtimeText(downtime: DowntimeForecast | null): string {
  if (downtime === null) return "none: the node is not stopped and started by coldkeep";
  const { expectedMs, beforeMs, runs } = downtime;
  if (expectedMs === null || beforeMs === null) return "not known before the first backup";
  const [least, most] = beforeMs.map(formatDuration);
  return `some ${formatDuration(expectedMs)}; ${runs === 1 ? `${least} the last time` : `${least} to ${most} in the last ${runs} runs`}`;
}

/** `most` bytes where nothing is compressed. */
export function uploadText(expected: number | null, most: number): string {
  return `${expected === null ? "" : `some ${formatBytes(expected)}, `}at most ${formatBytes(most)}`;
}
