import { Bits } from "./bits.ts";

/** What need not be fetched: it was read from staging and is right. Files and pieces by their ordinals (`SelectedEntry`). */
export interface Kept {
  /** Files that lie in staging, ready to be filled. */
  readonly there: Bits;
  /** Files that nothing is left to do for. */
  readonly linked: Bits;
  readonly pieces: Bits;
  /** Plain bytes of those pieces. */
  bytes: number;
  /** By root: bytes on disk that the rest will take. */
  readonly missing: Map<string, number>;
}

/** Nothing is there yet. */
export function nothingKept(): Kept {
  return {
    there: new Bits(),
    linked: new Bits(),
    pieces: new Bits(),
    bytes: 0,
    missing: new Map(),
  };
}
