import type { GroupSettings } from "../config/index.ts";
import type { Room } from "../freeze/index.ts";
import type { Finding } from "../profiles/index.ts";
import { counted, facts, formatBytes, formatDuration, table } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { BackupFlags } from "./backup.command.ts";
import { documentOf, uploadText } from "./backup-forecast.ts";
import type { Call } from "./define.ts";
import { foreseeOutage } from "./group-outage.ts";
import { roomsOfAll } from "./group-room.ts";
import { foresee, type NodeForecast, noRoom } from "./node-forecast.ts";
import type { Session } from "./session.ts";

/** `coldkeep backup --group --dry-run`: each member as it stands now, and what they make together. */
export async function foretellGroup(
  group: GroupSettings,
  members: readonly { readonly session: Session; readonly finding: Finding | null }[],
  call: Call<BackupFlags>,
): Promise<Answer> {
  const each: NodeForecast[] = [];
  // One after the other: each walks over all files of its node.
  for (const { session, finding } of members) each.push(await foresee(session, call, finding));
  const together = group.down === "together";
  const outage = foreseeOutage(
    each.map(({ downtime }) => (downtime === null ? "up" : downtime.parts)),
    together,
  );
  const rooms = roomsOfAll(each.map(({ freeze }) => freeze.rooms));
  const read = sum(each.map(({ freeze }) => freeze.toRead));
  const uploads = each.map(({ upload }) => upload);
  const upload = uploads.includes(null) ? null : sum(uploads.map((bytes) => bytes ?? 0));
  const failure = noRoom(rooms);
  return {
    document: {
      dry_run: true,
      group: group.name,
      together,
      downtime_ms: outage.longestMs,
      copied: sum(each.map(({ freeze }) => freeze.copied.bytes)),
      read,
      upload: { most: read, expected: upload },
      room: rooms.map(({ folder, toCopy, needed, free }) => ({ folder, to_copy: toCopy, needed, free })),
      members: each.map((one, i) => ({ ...documentOf(one), downtime_in_group_ms: outage.members[i] ?? null })),
    },
    text: textOf({ group, each, outage, rooms, read, upload }),
    ...(failure === null ? {} : { failure }),
  };
}

function textOf(o: {
  readonly group: GroupSettings;
  readonly each: readonly NodeForecast[];
  readonly outage: ReturnType<typeof foreseeOutage>;
  readonly rooms: readonly Room[];
  readonly read: number;
  readonly upload: number | null;
}): string {
  const { group, each, outage } = o;
  const how = group.down === "together" ? "together" : "one by one";
  const rows: (readonly [string, string])[] = [
    ...each.flatMap(({ node, skipped }) =>
      skipped === null ? [] : [["skipped", `no set would be made now, for ${node}: ${skipped}`] as const],
    ),
    ["group", `${group.name}, ${counted(each.length, "node")} ${how}`],
    [
      "downtime",
      outage.longestMs === null ? UNKNOWN : `some ${formatDuration(outage.longestMs)} for one node, at most`,
    ],
    ["to read", formatBytes(o.read)],
    ["upload", uploadText(o.upload, o.read)],
    ...o.rooms.map(
      ({ folder, needed, free }) =>
        ["room", `${formatBytes(needed)} needed for copies of all, ${formatBytes(free)} free, in ${folder}`] as const,
    ),
  ];
  const columns = ["NODE", "DOWN", "CONTENT", "LINKED", "COPIED", "TO READ", "UPLOAD"].map((title) => ({ title }));
  const lines = each.map(({ node, downtime, freeze, upload }, i) => {
    const ms = outage.members[i] ?? null;
    return [
      node,
      downtime === null ? "not stopped" : ms === null ? "not known" : `some ${formatDuration(ms)}`,
      formatBytes(freeze.all.bytes),
      formatBytes(freeze.linked.bytes),
      formatBytes(freeze.copied.bytes),
      formatBytes(freeze.toRead),
      uploadText(upload, freeze.toRead),
    ];
  });
  const left = each.filter(({ leftBehind }) => leftBehind).map(({ node }) => node);
  const leftText =
    left.length === 0
      ? ""
      : `\n\nA backup of ${left.join(", ")} was cut off, or is running: the next one brings the node back before all else.`;
  return `${facts(rows)}\n\n${table(columns, lines)}${leftText}\n\nNothing was changed: no node was stopped, and no vault was asked.`;
}

const UNKNOWN = "not known before each node's first backup";

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
