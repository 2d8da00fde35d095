import { Bits } from "./bits.ts";

/** What need not be fetched, or not even be read back. Files and pieces by their ordinals (`SelectedEntry`). */
export interface Kept {
  /** Files that lie in staging, ready to be filled. */
  readonly there: Bits;
  /** Files that nothing is left to do for. */
  readonly linked: Bits;
  /** Pieces whose content is in staging. */
  readonly pieces: Bits;
  /** Those of them that were read back from there and are right. */
  readonly proven: Bits;
  /** Plain bytes of those pieces. */
  readonly bytes: { pieces: number; proven: number };
  /** By root: bytes on disk that the rest will take. */
  readonly missing: Map<string, number>;
}

/** Nothing is there yet. */
export function nothingKept(): Kept {
  return {
    there: new Bits(),
    linked: new Bits(),
    pieces: new Bits(),
    proven: new Bits(),
    bytes: { pieces: 0, proven: 0 },
    missing: new Map(),
  };
}
