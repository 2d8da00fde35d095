import { statfsSync } from "node:fs";
import { type Clock, systemClock } from "../../posix/clock.ts";
import { readMounts } from "../../posix/mounts.ts";
import type { CaptureSet } from "../profiles/types.ts";
import { toBytes, toText } from "./bytes.ts";
import { drive } from "./drive.ts";
import { fingerprintOf, hasHonestTimes } from "./fingerprint.ts";
import { plainFile } from "./freeze-files.ts";
import { type FrozenPlace, nearestFolder, type PlannedPlace, planPlace } from "./frozen-place.ts";
import { makeLister } from "./list-ahead.ts";
import { makeNotes } from "./notes.ts";
import { NO_COUNTS } from "./records.ts";
import { makeCopyNeeds } from "./space.ts";
import type { FreezeRoot, WhatIsKnown } from "./types.ts";
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
  /** Neither, as the parent snapshot has them. */
  readonly known: ClassForecast;
  /** Bytes that no earlier snapshot is known to have. */
  readonly toRead: number;
  /** Of each file system on which something is copied. Bytes. */
  readonly rooms: readonly {
    readonly folder: string;
    readonly toCopy: number;
    readonly needed: number;
    readonly free: number;
  }[];
  readonly omitted: readonly string[];
}

export interface ForecastOptions {
  readonly roots: readonly FreezeRoot[];
  readonly profile: CaptureSet;
  readonly known: WhatIsKnown;
  /** What files can be done with in a folder. */
  readonly abilities: (folder: string) => { readonly link: boolean; readonly reflink: boolean };
  readonly signal: AbortSignal;
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
    .map((plan) => ({ plan, can: o.abilities(toText(nearestFolder(plan.base))) }));
  const places = planned.map(({ plan, can }) => lookOnly(plan, can.reflink, clock));
  const links = new Map<FrozenPlace, boolean>(places.map((place, at) => [place, planned[at]?.can.link === true]));
  const needs = makeCopyNeeds();
  const notes = makeNotes();
  const sums = { all: none(), linked: none(), reflinked: none(), copied: none(), known: none() };
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
    const fingerprint = fingerprintOf(place.dev, found, place.honestTimes);
    const known = fingerprint === "" ? 0 : o.known.knownBytes(shownOf(file), fingerprint, size);
    toRead += size - known;
    count(sums.all, size);
    if (mutability === "mutable" && known === size && fingerprint !== "") count(sums.known, size);
    else if (mutability !== "mutable" && links.get(place) === true) count(sums.linked, size);
    else {
      needs.add(place, info);
      count(place.reflinks ? sums.reflinked : sums.copied, size);
    }
    return null;
  };

  const mounts = new Set(readMounts().map(({ point }) => point));
  const base = { places, profile: o.profile, notes, mounts, handle, before: null, settled: false };
  await drive(walk({ ...base, files: NO_FILES, writer: NOWHERE, lister: makeLister(clock) }), clock, o.signal);
  return {
    ...sums,
    toRead,
    rooms: needs.rooms().map(({ base: folder, ...room }) => ({ folder: toText(folder), ...room })),
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

/** A place in which nothing is made. */
function lookOnly(planned: PlannedPlace, reflinks: boolean, clock: Clock): FrozenPlace {
  const nothing = (): never => {
    throw new Error("a forecast makes nothing");
  };
  const there = toBytes(nearestFolder(planned.base));
  return {
    ...planned,
    reflinks,
    honestTimes: hasHonestTimes(planned.path),
    now: () => BigInt(Math.floor(clock.now())) * 1_000_000n,
    free() {
      const { bavail, bsize } = statfsSync(there);
      return bavail * bsize;
    },
    link: nothing,
    copy: nothing,
    flush: nothing,
    pathOf: nothing,
  };
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
