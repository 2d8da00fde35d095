import { existsSync } from "node:fs";
import { join } from "node:path";
import { ColdkeepError } from "../../vault/names/index.ts";
import { whatParentKnows } from "../backup/index.ts";
import { type FreezeForecast, forecastFreeze } from "../freeze/index.ts";
import type { Finding } from "../profiles/index.ts";
import { type NodeState, type Outage, openNodeState } from "../state/index.ts";
import type { BackupFlags } from "./backup.command.ts";
import { controlOf, freezeRootsOf, profileFor } from "./control.ts";
import type { Call } from "./define.ts";
import { whySkipped } from "./may-stop.ts";
import { suiteOf } from "./opened.ts";
import { probeLinks } from "./probe-links.ts";
import { type Session, vaultIdOf } from "./session.ts";

/** What a backup would cost, by what is known before it. Milliseconds. */
export interface DowntimeForecast {
  /** Stop asked → running again; null where no earlier run tells, or nothing is stopped. */
  readonly expectedMs: number | null;
  /** What the last runs took, shortest and longest; null likewise. */
  readonly beforeMs: readonly [number, number] | null;
  readonly runs: number;
  /** Of what is expected: the node's own stop and start, and what coldkeep adds; null likewise. */
  readonly parts: { readonly ownMs: number; readonly freezeMs: number } | null;
}

/** What a backup of one node would do now. */
export interface NodeForecast {
  readonly node: string;
  readonly parent: string | null;
  readonly freeze: FreezeForecast;
  /** Null where coldkeep does not stop it. */
  readonly downtime: DowntimeForecast | null;
  /** Bytes put, as the last runs compressed theirs; null where they tell nothing. */
  readonly upload: number | null;
  /** Why no backup would be made now; null where one would. */
  readonly skipped: string | null;
  /** A run was cut off, or is at work. */
  readonly leftBehind: boolean;
}

/** Looks at the node's files and at what this host remembers; changes nothing, and asks no vault. */
export async function foresee(
  { config, node }: Session,
  call: Call<BackupFlags>,
  finding: Finding | null,
): Promise<NodeForecast> {
  const state = openNodeState(config.stateDir, node.name);
  const parent = call.flags.full === true ? null : parentOf({ config, node }, state);
  const freeze = await forecastFreeze({
    roots: freezeRootsOf(node, finding?.leanRoots),
    profile: profileFor(node),
    known: parent?.known ?? { knownBytes: () => 0 },
    abilities: probeLinks,
    signal: call.io.signal,
  });
  const outages = state.outages.list();
  return {
    node: node.name,
    parent: parent?.parent ?? null,
    freeze,
    downtime: controlOf(node).manager.controls ? downtimeOf(outages, freeze.copied.bytes) : null,
    upload: uploadOf(outages, freeze.toRead),
    skipped: await whySkipped(node, state, call.io.clock.now(), call.io.signal),
    leftBehind: existsSync(join(state.folder, "freeze.journal")),
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
  if (outages.length === 0) return { expectedMs: null, beforeMs: null, runs: 0, parts: null };
  const all = outages.map(({ downtimeMs }) => downtimeMs);
  const own = median(outages.map(({ downtimeMs, freezeMs, waitedMs = 0 }) => downtimeMs - freezeMs - waitedMs));
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
    parts: { ownMs: own, freezeMs: small },
  };
}

/** What is put of so many bytes read, as the last runs compressed theirs; null where they tell nothing. */
function uploadOf(outages: readonly Outage[], toRead: number): number | null {
  const read = sum(outages.map((outage) => outage.read));
  if (read === 0) return null;
  return Math.round(toRead * Math.min(1, sum(outages.map(({ stored }) => stored)) / read));
}

/** Why a backup would be refused for want of room; null where there is enough. */
export function noRoom(rooms: FreezeForecast["rooms"]): ColdkeepError | null {
  const short = rooms.find(({ needed, free }) => needed > free);
  if (short === undefined) return null;
  return new ColdkeepError("no-space", {
    what: "a backup would be refused: the files that must be copied while the node is down do not fit",
    on: short.folder,
    why: `${short.needed} bytes are needed, with a margin, and ${short.free} are free`,
    todo: "free some space there; name files that never change as immutable; or take a file system with reflinks",
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
