import type { ListedPack } from "../../keeper/index.ts";

export interface InTurnOptions {
  /** Those that are read and compared with their digest; suspects are, however little time is left. */
  readonly isDue: (pack: string) => boolean;
  readonly isSuspect: (pack: string) => boolean;
  /** Those of which S3 is asked for the sum that it keeps. */
  readonly isNew: (pack: ListedPack) => boolean;
  /** Those that an earlier call of this look has been through. */
  readonly wasLookedAt: (pack: string) => boolean;
  /** Where that one had to leave off in the midst of a snapshot: the first pack it had no time for. */
  readonly from: string | null;
  readonly until: AbortSignal;
}

/** What `verifySnapshots` asks of each pack, as long as there is time. */
export interface InTurn {
  readonly readData: (pack: string) => boolean;
  readonly look: (pack: ListedPack) => boolean;
  /** The first pack that there was no time for; null as long as there is some. */
  readonly leftAt: () => string | null;
  /** A snapshot is through: where its packs were not what was left off at, the next one's are looked at all the same. */
  readonly next: () => void;
}

/**
 * Which packs a call takes requests of their own for. One snapshot may have more of them than a call has time for, so each is
 * asked about, and what is left goes on with that very pack. One is always taken, so that every call comes on.
 */
export function takeInTurn(o: InTurnOptions): InTurn {
  let from = o.from;
  let passed = false;
  let taken = 0;
  let left: string | null = null;

  const take = (pack: string) => {
    if (left === null && taken > 0 && o.until.aborted) left = pack;
    if (left !== null) return false;
    taken += 1;
    return true;
  };
  return {
    readData: (pack) => {
      if (pack === from) from = null;
      passed = from !== null || o.wasLookedAt(pack);
      return o.isSuspect(pack) || (!passed && o.isDue(pack) && take(pack));
    },
    // Asked after `readData`, of the same pack.
    look: (pack) => !passed && o.isNew(pack) && take(pack.name),
    leftAt: () => left,
    next: () => {
      from = null;
    },
  };
}
