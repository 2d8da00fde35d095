import type { PathInfo } from "../../posix/stat.ts";
import { showPath } from "../../posix/system-error.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { toBytes, toText } from "./bytes.ts";
import type { FrozenPlace } from "./frozen-place.ts";
import type { Room } from "./types.ts";

/** What will have to be copied while the node is down. */
export interface CopyNeeds {
  add(place: FrozenPlace, info: PathInfo): void;
  /** Bytes, all file systems together. */
  total(): number;
  /** The same for each file system that something is copied on. */
  rooms(): Room[];
  /** @throws ColdkeepError `no-space` where a file system has less than what is to be copied, and a margin. */
  assertRoom(): void;
}

/** Room for folders, and for what a log grows by until the node stops. */
const LEAST_MARGIN = 16 << 20;

export function makeCopyNeeds(): CopyNeeds {
  const needs = new Map<bigint, { readonly place: FrozenPlace; bytes: number }>();
  let last: { readonly place: FrozenPlace; bytes: number } | null = null;
  return {
    add(place, info) {
      if (place.reflinks) return;
      if (last?.place !== place) {
        last = needs.get(place.dev) ?? { place, bytes: 0 };
        needs.set(place.dev, last);
      }
      last.bytes += allocated(info);
    },
    total: () => [...needs.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    rooms: () =>
      [...needs.values()].map(({ place, bytes }) => ({
        folder: toText(place.base),
        dev: place.dev,
        toCopy: bytes,
        needed: bytes === 0 ? 0 : bytes + marginOf(bytes),
        free: place.free(),
      })),
    assertRoom() {
      for (const { place, bytes } of needs.values()) assertRoom(place, bytes);
    },
  };
}

function marginOf(bytes: number): number {
  return Math.max(LEAST_MARGIN, Math.ceil(bytes / 10));
}

/** @throws ColdkeepError `no-space` where `bytes` and a margin do not fit. */
export function assertRoom(place: FrozenPlace, bytes: number): void {
  if (bytes === 0) return;
  const margin = marginOf(bytes);
  const free = place.free();
  if (free >= bytes + margin) return;
  throw new ColdkeepError("no-space", {
    what: "the files that must be copied while the node is down do not fit",
    on: showPath(toBytes(place.base)),
    why: `${bytes} bytes to copy and a margin of ${margin}, but ${free} bytes are free; the node was not stopped`,
    todo: "free some space there; name files that never change as immutable; or take a file system with reflinks",
  });
}

export function isSparse({ blocks, size }: PathInfo): boolean {
  return blocks * 512 < size;
}

/** Bytes a file takes on disk, holes left out (stat(2): blocks of 512). */
export function allocated({ blocks, size }: PathInfo): number {
  return Math.min(blocks * 512, size);
}
