import { createHash } from "node:crypto";
import { join } from "node:path";
import { hasPower } from "../../../posix/powers.ts";
import { ColdkeepError } from "../../../vault/names/index.ts";
import { fromText, type Latin1, toText } from "../bytes.ts";
import type { PlannedPlace } from "../frozen-place.ts";
import { btrfs, isSubvolume } from "./btrfs.ts";
import { lvm } from "./lvm.ts";
import { findProgram, systemTool } from "./programs.ts";
import { ASK_LIMIT, type PlannedVolume, type VolumeContext, type VolumeKind, type VolumeRecord } from "./types.ts";
import { zfs } from "./zfs.ts";

export type { PlannedVolume, VolumeContext, VolumeKind, VolumeRecord } from "./types.ts";

const KINDS = { btrfs, lvm, zfs };

/** A run's own names and places for its snapshots. `space` as in the configuration. */
export function volumeContext(o: {
  readonly node: string;
  readonly run: string;
  readonly stateDir: string;
  readonly space?: number | undefined;
  readonly tools?: VolumeContext["tools"] | undefined;
}): VolumeContext {
  // A node's name may hold what LVM keeps for itself, and be too long.
  const own = createHash("sha256").update(`${o.run}@${o.node}`).digest("hex").slice(0, 24);
  return {
    tools: o.tools ?? systemTool,
    name: (index) => `coldkeep-${own}-${index}`,
    mountPoint: (index) => fromText(join(o.stateDir, `snapshot-${index}`)),
    space: o.space ?? null,
  };
}

/** Roots on the volumes that hold them; each volume once. `of` has a volume's index for each place. */
export interface PlannedVolumes {
  readonly kind: VolumeKind;
  readonly volumes: readonly PlannedVolume[];
  readonly of: readonly number[];
}

/**
 * The volumes that roots lie on. Nothing is changed.
 * @throws ColdkeepError `config` where a root lies on no such volume; `no-space`; `permission`.
 */
export async function planVolumes(
  kind: VolumeKind,
  places: readonly PlannedPlace[],
  context: VolumeContext,
): Promise<PlannedVolumes> {
  const volumes: PlannedVolume[] = [];
  const of: number[] = [];
  for (const place of places) {
    const planned = await KINDS[kind].plan(place, volumes.length, context);
    const known = volumes.findIndex(({ label }) => label === planned.label);
    of.push(known < 0 ? volumes.push(planned) - 1 : known);
  }
  return { kind, volumes, of };
}

/** As `planVolumes`, where every root is a subvolume of its own, nothing is nested in it, and this process may; else null. */
export async function ownSubvolumes(
  places: readonly PlannedPlace[],
  context: VolumeContext,
): Promise<PlannedVolumes | null> {
  if (!hasPower("SYS_ADMIN") || findProgram("btrfs") === null || !places.every(isSubvolume)) return null;
  for (const { path } of places) {
    const words = ["subvolume", "list", "-o", toText(path)];
    const { status, stdout } = await context.tools("btrfs").try(words, { timeoutMs: ASK_LIMIT });
    if (status !== 0 || stdout.trim() !== "") return null;
  }
  return planVolumes("btrfs", places, context);
}

/** Takes the snapshot. @throws ColdkeepError. */
export function takeVolume(record: VolumeRecord, context: VolumeContext): Promise<void> {
  return KINDS[record.kind].take(record as never, context);
}

/** Makes it readable; its top, latin1. @throws ColdkeepError. */
export function openVolume(record: VolumeRecord, index: number, context: VolumeContext): Promise<string> {
  return KINDS[record.kind].open(record as never, index, context);
}

/** Removes what is there of a run's snapshots, and nothing else. @throws ColdkeepError. */
export async function removeVolumes(records: readonly VolumeRecord[], context: VolumeContext): Promise<void> {
  for (const [index, record] of records.entries()) await KINDS[record.kind].remove(record as never, index, context);
}

/**
 * Records of a journal, checked: only what a run of this name would have made is ever removed. Null for anything else.
 */
export function parseVolumes(value: unknown, runFolder: string, context: VolumeContext): VolumeRecord[] | null {
  if (!Array.isArray(value)) return null;
  const good = value.every((record: unknown, index) => {
    if (typeof record !== "object" || record === null) return false;
    const of = record as Record<string, unknown>;
    if (of.kind === "btrfs") {
      return isPath(of.source) && isPath(of.path) && of.path.endsWith(`/${runFolder}/subvolume-${index}`);
    }
    if (of.name !== context.name(index)) return false;
    if (of.kind === "zfs") return typeof of.dataset === "string" && /^[^@\s-][^@]*$/.test(of.dataset);
    if (of.kind !== "lvm") return false;
    const isSpace = of.space === null || Number.isSafeInteger(of.space);
    return isSpace && [of.group, of.volume, of.type].every((name) => typeof name === "string" && WORD.test(name));
  });
  return good ? (value as VolumeRecord[]) : null;
}

/** Names of volume groups, logical volumes and file systems; never an option. */
const WORD = /^[A-Za-z0-9_.+][A-Za-z0-9_.+-]*$/;

function isPath(value: unknown): value is string {
  return typeof value === "string" && value.startsWith("/");
}

/**
 * Told of a path below these places that lies on another device than its root. Where it is no root itself, a snapshot
 * would hold an empty folder there. @throws ColdkeepError `refused`.
 */
export function nestedIn(kind: VolumeKind, places: readonly Pick<PlannedPlace, "path">[]): (path: Latin1) => void {
  return (path) => {
    if (places.some((place) => place.path === path)) return;
    throw new ColdkeepError("refused", {
      what: "a part of a root lies on another volume, which a snapshot of the root's own would not hold",
      on: toText(path),
      why: `freeze: ${kind} captures one volume a root; the node was not stopped for it`,
      todo: "name it under exclude, or leave freeze out",
    });
  };
}
