import type { BigIntStats } from "node:fs";
import { showPath } from "../../posix/system-error.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { toBytes } from "./bytes.ts";
import type { FrozenPlace } from "./frozen-place.ts";

/** What will have to be copied while the node is down. */
export interface CopyNeeds {
  add(place: FrozenPlace, info: BigIntStats): void;
  /** Bytes, all file systems together. */
  total(): bigint;
  /** @throws ColdkeepError `no-space` where a file system has less than what is to be copied, and a margin. */
  assertRoom(): void;
}

/** Room for folders, and for what a log grows by until the node stops. */
const LEAST_MARGIN = 16n << 20n;

export function makeCopyNeeds(): CopyNeeds {
  const needs = new Map<bigint, { readonly place: FrozenPlace; bytes: bigint }>();
  return {
    add(place, info) {
      if (place.reflinks) return;
      const known = needs.get(place.dev) ?? { place, bytes: 0n };
      needs.set(place.dev, known);
      known.bytes += allocated(info);
    },
    total: () => [...needs.values()].reduce((sum, { bytes }) => sum + bytes, 0n),
    assertRoom() {
      for (const { place, bytes } of needs.values()) assertRoom(place, bytes);
    },
  };
}

/** @throws ColdkeepError `no-space` where `bytes` and a margin do not fit. */
export function assertRoom(place: FrozenPlace, bytes: bigint): void {
  if (bytes === 0n) return;
  const margin = bytes / 10n > LEAST_MARGIN ? bytes / 10n : LEAST_MARGIN;
  const free = place.free();
  if (free >= bytes + margin) return;
  throw new ColdkeepError("no-space", {
    what: "the files that must be copied while the node is down do not fit",
    on: showPath(toBytes(place.base)),
    why: `${bytes} bytes to copy and a margin of ${margin}, but ${free} bytes are free; the node was not stopped`,
    todo: "free some space there; name files that never change as immutable; or take a file system with reflinks",
  });
}

export function isSparse({ blocks, size }: BigIntStats): boolean {
  return blocks * 512n < size;
}

/** Bytes a file takes on disk, holes left out (stat(2): blocks of 512). */
export function allocated(info: BigIntStats): bigint {
  const bytes = info.blocks * 512n;
  return bytes < info.size ? bytes : info.size;
}
