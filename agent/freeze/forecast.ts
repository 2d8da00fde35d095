import { type Clock, systemClock } from "../../posix/clock.ts";
import { readMounts } from "../../posix/mounts.ts";
import type { CaptureSet } from "../profiles/types.ts";
import { toText } from "./bytes.ts";
import { chooseVolumes } from "./choose-freezer.ts";
import { drive } from "./drive.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { plainFile } from "./freeze-files.ts";
import { type FrozenPlace, nearestFolder, planPlace } from "./frozen-place.ts";
import { makeLister } from "./list-ahead.ts";
import { lookOnly } from "./look-only.ts";
import { meansOf, usedOf } from "./means.ts";
import { makeNotes } from "./notes.ts";
import { NO_COUNTS } from "./records.ts";
import { makeCopyNeeds } from "./space.ts";
import type { FreezeOptions, FreezeRoot, Room, WhatIsKnown } from "./types.ts";
import { nestedIn, volumeContext } from "./volumes/index.ts";
import { type FileHandler, shownOf, walk } from "./walk.ts";
import type { WalkFiles, WalkWriter } from "./walk-files.ts";

export interface ClassForecast {
  readonly files: number;
  readonly bytes: number;
}

/** What a freeze would do with the node's files as they are now. Bytes are of content, holes included. */
export interface FreezeForecast {
  readonly all: ClassForecast;
  /** Hard-linked while the node runs, of which nothing is copied. */
  readonly linked: ClassForecast;
  /** Cloned while it is down, which takes no space. */
  readonly reflinked: ClassForecast;
  /** Copied while it is down, and before where files never change and cannot be linked. */
  readonly copied: ClassForecast;
  /** In snapshots of their volumes. */
  readonly snapshot: ClassForecast;
  /** What these are taken of; none where files are frozen one by one. */
  readonly volumes: readonly string[];
  /** Neither, as the parent snapshot has them. */
  readonly known: ClassForecast;
  /** Bytes that no earlier snapshot is known to have. */
  readonly toRead: number;
  /** Of each file system on which something is copied. Bytes. */
  readonly rooms: readonly Room[];
  readonly omitted: readonly string[];
}

export interface ForecastOptions {
  readonly roots: readonly FreezeRoot[];
  readonly profile: CaptureSet;
  readonly known: WhatIsKnown;
  /** What files can be done with in a folder. */
  readonly abilities: (folder: string) => { readonly link: boolean; readonly reflink: boolean };
  readonly signal: AbortSignal;
  readonly tools?: FreezeOptions["tools"];
  readonly clock?: Clock;
}

/**
 * Looks at every file as a freeze would, and touches none. The node may run: what it writes meanwhile is not counted.
 * @throws ColdkeepError `not-found`, `config`, `permission`; the signal's reason on abort.
 */
export async function forecastFreeze(o: ForecastOptions): Promise<FreezeForecast> {
  const clock = o.clock ?? systemClock;
  const planned = [...o.roots]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((root) => planPlace(root, "forecast"))
    .map((plan) => {
      const can = o.abilities(toText(nearestFolder(plan.base)));
      return { plan, can: usedOf(meansOf([plan.root]), can, plan.base) };
    });
  const volumes = await chooseVolumes(
    planned.map(({ plan }) => plan),
    forecastContext(o.roots, o.tools),
  );
  const places = planned.map(({ plan, can }) => lookOnly(plan, can.reflink, clock));
  const links = new Map<FrozenPlace, boolean>(places.map((place, at) => [place, planned[at]?.can.link === true]));
  const needs = makeCopyNeeds();
  const notes = makeNotes();
  const sums = { all: none(), linked: none(), reflinked: none(), copied: none(), snapshot: none(), known: none() };
  let toRead = 0;

  const handle: FileHandler = (file) => {
    const { folder, rule } = file;
    const info = plainFile(file);
    if (info === null || rule.mutability === "omitted") return null;
    const { mutability } = rule;
    const { place } = folder;
    const { ino, size, mtimeNs, ctimeNs, nlink } = info;
    const grouped = mutability === "mutable" && nlink > 1;
    const found = { mutability, ino, size, mtimeNs, ctimeNs, young: false, grouped };
    const fingerprint = fingerprintOf(place.volume, found, place.honestTimes);
    const known = fingerprint === "" ? 0 : o.known.knownBytes(shownOf(file), fingerprint, size);
    toRead += size - known;
    count(sums.all, size);
    if (mutability === "mutable" && known === size && fingerprint !== "") count(sums.known, size);
    else if (volumes !== null) count(sums.snapshot, size);
    else if (mutability !== "mutable" && links.get(place) === true) count(sums.linked, size);
    else {
      needs.add(place, info);
      count(place.reflinks ? sums.reflinked : sums.copied, size);
    }
    return null;
  };

  const mounts = new Set(readMounts().map(({ point }) => point));
  const nested = volumes === null ? {} : { nested: nestedIn(volumes.kind, places) };
  const base = { places, profile: o.profile, notes, mounts, handle, before: null, settled: false, ...nested };
  await drive(walk({ ...base, files: NO_FILES, writer: NOWHERE, lister: makeLister(clock) }), clock, o.signal);
  return {
    ...sums,
    volumes: volumes?.volumes.map(({ label }) => label) ?? [],
    toRead,
    rooms: needs.rooms(),
    omitted: notes.list(),
  };
}

interface Sum {
  files: number;
  bytes: number;
}

const none = (): Sum => ({ files: 0, bytes: 0 });

function count(sum: Sum, size: number): void {
  sum.files += 1;
  sum.bytes += size;
}

const NOWHERE: WalkWriter = {
  walk: 0,
  counts: NO_COUNTS,
  row: () => {},
  end: () => {},
  keep: () => {},
  finish: () => {},
};

/** Nothing was walked before. */
const NO_FILES: WalkFiles = {
  begin: () => NOWHERE,
  heads: function* () {},
  rows: () => [],
  close: () => {},
};

/**
 * What snapshots would be taken of, for people; none where files are frozen one by one.
 * @throws ColdkeepError where they are asked for and cannot be had.
 */
export async function foreseeVolumes(roots: readonly FreezeRoot[], tools?: FreezeOptions["tools"]): Promise<string[]> {
  const plans = roots.map((root) => planPlace(root, "forecast"));
  const planned = await chooseVolumes(plans, forecastContext(roots, tools));
  return planned?.volumes.map(({ label }) => label) ?? [];
}

/** Names nothing that is ever made. */
function forecastContext(roots: readonly FreezeRoot[], tools: FreezeOptions["tools"]) {
  const space = roots[0]?.snapshotSpace;
  return volumeContext({ node: "forecast", run: "forecast", stateDir: "/", space, tools });
}
