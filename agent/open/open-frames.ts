import { names } from "../../vault/names/index.ts";
import { RangeOpener } from "../../vault/sealed/range-opener.ts";
import type { FrameRow, OpenedFrame } from "../../vault/sealed/types.ts";
import type { PackOpening } from "./pack-table.ts";
import type { PackedRows } from "./packed-rows.ts";
import { threadMemory } from "./thread-memory.ts";

/** A stretch of a pack with the frames wanted from it, as it is sent to a worker thread. */
export interface FrameBatch {
  readonly pack: PackOpening;
  /** Where in the pack `bytes` begins. */
  readonly base: number;
  readonly bytes: Uint8Array;
  readonly rows: PackedRows;
}

/** A thread sees few packs at a time; deriving an opener again costs microseconds. */
const MAX_OPENERS = 64;
const openers = new Map<string, { readonly commit: Uint8Array; readonly opener: RangeOpener }>();

/** What opens frames of this pack; kept for the thread's next batches. */
export function openerOf(pack: PackOpening): RangeOpener {
  const { scope, index, key, salt, commit, object } = pack;
  const kept = openers.get(object);
  // Two vaults may have an object of one name; its commitment tells them apart.
  if (kept !== undefined && Buffer.compare(kept.commit, commit) === 0) return kept.opener;
  if (openers.size >= MAX_OPENERS) openers.clear();
  const opener = new RangeOpener({ scope, kind: "pack", index, name: names.packName(index), key, salt, commit });
  openers.set(object, { commit, opener });
  return opener;
}

/**
 * Authenticates, opens and decompresses one frame of a batch.
 * @param memory Where what comes out may be put, if that is not to be the thread's, which is good until the next frame.
 * @throws ColdkeepError `integrity` naming pack and frame.
 */
export function openFrame(
  { pack, base, bytes }: FrameBatch,
  row: FrameRow,
  memory: Uint8Array = threadMemory(row.plain),
): OpenedFrame {
  const start = row.offset - base;
  return openerOf(pack).open(row, bytes.subarray(start, start + row.stored), memory);
}
