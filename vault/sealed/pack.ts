import { FOOTER_ROW_BYTES, TRAILER_BYTES } from "./layout.ts";
import type { ObjectSealer } from "./object-sealer.ts";
import { TAG_BYTES } from "./suites.ts";
import type { SealedPack } from "./types.ts";

/** Bytes a pack aims at, all included. A single frame larger than that has a pack of its own. */
export const PACK_TARGET = 32 * 1024 * 1024;

/** Whether a frame of `nextBody` bytes (before sealing) still fits the target; an empty pack takes any. */
export function packFits(sealer: Pick<ObjectSealer, "size" | "frames">, nextBody: number): boolean {
  if (sealer.frames === 0) return true;
  // One row more for the frame, one for padding.
  const footer = (sealer.frames + 2) * FOOTER_ROW_BYTES + TAG_BYTES;
  return sealer.size + nextBody + TAG_BYTES + footer + TAG_BYTES + TRAILER_BYTES <= PACK_TARGET;
}

/** Finishes a pack: the only bytes that `put` takes. */
export function sealPack(sealer: ObjectSealer, index: number, secret: boolean): SealedPack {
  const { bytes, sha256, salt, commit } = sealer.finish();
  return { index, bytes, sha256, salt, commit, secret } as SealedPack;
}
