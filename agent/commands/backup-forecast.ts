import { existsSync } from "node:fs";
import { join } from "node:path";
import { ColdkeepError } from "../../vault/names/index.ts";
import { whatParentKnows } from "../backup/index.ts";
import { type FreezeForecast, forecastFreeze } from "../freeze/index.ts";
import type { Finding } from "../profiles/index.ts";
import { counted, facts, formatBytes, formatDuration } from "../report/index.ts";
import { type NodeState, type Outage, openNodeState } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import type { BackupFlags } from "./backup.command.ts";
import { controlOf, freezeRootsOf, profileFor } from "./control.ts";
import type { Call } from "./define.ts";
import { whySkipped } from "./may-stop.ts";
import { suiteOf } from "./opened.ts";
import { probeLinks } from "./probe-links.ts";
import { type Session, vaultIdOf } from "./session.ts";

/** What a backup would cost, by what is known before it. Milliseconds. */
interface DowntimeForecast {
  /** Stop asked → running again; null where no earlier run tells, or nothing is stopped. */
  readonly expectedMs: number | null;
  /** What the last runs took, shortest and longest; null likewise. */
  readonly beforeMs: readonly [number, number] | null;
  readonly runs: number;
}

/** `coldkeep backup --dry-run`: looks at the node's files and at what this host remembers; no vault is asked. */
export async function foretell(session: Session, call: Call<BackupFlags>, finding: Finding | null): Promise<Answer> {
  const { config, node } = session;
  const state = openNodeState(config.stateDir, node.name);
  const parent = call.flags.full === true ? null : parentOf(session, state);
  const forecast = await forecastFreeze({
    roots: freezeRootsOf(node, finding?.leanRoots),
    profile: profileFor(node),
    known: parent?.known ?? { knownBytes: () => 0 },
    abilities: probeLinks,
    signal: call.io.signal,
  });
  const outages = state.outages.list();
  const controls = controlOf(node).manager.controls;
  const downtime = controls ? downtimeOf(outages, forecast.copied.bytes) : null;
  const upload = uploadOf(outages, forecast.toRead);
  const skipped = await whySkipped(node, state, call.io.clock.now(), call.io.signal);
  const leftBehind = existsSync(join(state.folder, "freeze.journal"));
  const failure = noRoom(forecast);
  const { all, linked, reflinked, copied, snapshot, volumes, known, toRead, rooms, omitted } = forecast;
  return {
    document: {
      dry_run: true,
      node: node.name,
      parent: parent?.parent ?? null,
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
    },
    text: textOf(forecast, { parent: parent?.parent ?? null, downtime, upload, skipped, leftBehind }),
    ...(failure === null ? {} : { failure }),
  };
}

function parentOf({ config, node }: Session, state: NodeState) {
  const suite = suiteOf(config);
  // Asking for a key that is not there yet would make one.
  if (state.parent === null || !state.hasChunkKey(suite)) return null;
  const control = controlOf(node);
  const chunkKey = state.chunkKey(suite);
  return whatParentKnows({ vault: vaultIdOf(config), node: node.name, suite, chunkKey, control }, state);
}

/** Bytes a second that copies are taken to make where no run has copied enough to tell. */
const COPY_RATE = 300e6;
/** Copies of less tell nothing of the disk. */
const TELLING = 64 << 20;

/** The node's own stop and start as the last runs had them, and coldkeep's part by what is to be copied. */
function downtimeOf(outages: readonly Outage[], toCopy: number): DowntimeForecast {
  if (outages.length === 0) return { expectedMs: null, beforeMs: null, runs: 0 };
  const all = outages.map(({ downtimeMs }) => downtimeMs);
  const own = median(outages.map(({ downtimeMs, freezeMs }) => downtimeMs - freezeMs));
  const telling = outages.filter(({ copiedBytes }) => copiedBytes >= TELLING);
  const rate =
    telling.length === 0
      ? COPY_RATE
      : (1000 * sum(telling.map(({ copiedBytes }) => copiedBytes))) / sum(telling.map(({ freezeMs }) => freezeMs));
  const leastFreeze = Math.min(...outages.map(({ freezeMs }) => freezeMs));
  const small = leastFreeze + (1000 * toCopy) / rate;
  return {
    expectedMs: Math.round(own + small),
    beforeMs: [Math.min(...all), Math.max(...all)],
    runs: outages.length,
  };
}

/** What is put of so many bytes read, as the last runs compressed theirs; null where they tell nothing. */
function uploadOf(outages: readonly Outage[], toRead: number): number | null {
  const read = sum(outages.map((outage) => outage.read));
  if (read === 0) return null;
  return Math.round(toRead * Math.min(1, sum(outages.map(({ stored }) => stored)) / read));
}

function noRoom({ rooms }: FreezeForecast): ColdkeepError | null {
  const short = rooms.find(({ needed, free }) => needed > free);
  if (short === undefined) return null;
  return new ColdkeepError("no-space", {
    what: "a backup would be refused: the files that must be copied while the node is down do not fit",
    on: short.folder,
    why: `${short.needed} bytes are needed, with a margin, and ${short.free} are free`,
    todo: "free some space there; name files that never change as immutable; or take a file system with reflinks",
  });
}

function textOf(
  forecast: FreezeForecast,
  o: {
    readonly parent: string | null;
    readonly downtime: DowntimeForecast | null;
    readonly upload: number | null;
    readonly skipped: string | null;
    readonly leftBehind: boolean;
  },
): string {
  const { all, linked, reflinked, copied, snapshot, volumes, known, toRead, rooms, omitted } = forecast;
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
    [
      "upload",
      o.upload === null
        ? `at most ${formatBytes(toRead)}`
        : `some ${formatBytes(o.upload)}, at most ${formatBytes(toRead)}`,
    ],
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

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
