import { isSnapshotId, type NodeName, type SnapshotId } from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import { readReport } from "../common/reports.ts";

const HOUR = 3_600_000;
/** A look that was left off longer ago is begun anew: another night has come. */
const STALE = 20 * HOUR;
/** By so much this machine's clock may be off S3's, which objects' times are by. */
const CLOCKS = HOUR;

/** How far the looks of the nights before came. Times are milliseconds since the epoch. */
export interface Look {
  /** When this look began: in an earlier call, where that one had to leave off. */
  readonly began: number;
  /** It goes on behind this snapshot; null where it begins. */
  readonly left: SnapshotId | null;
  /** The first of its packs that there was no time for: then it goes on with that one. Null where it was looked at whole. */
  readonly pack: string | null;
  /** When the last look that came to its end began. Null where there was none. */
  readonly through: number | null;
  /** What came before this was compared with the store's sums. */
  readonly since: number;
}

/** Reads it from the verifier's own report; where there is none, or none that can be read, nothing was looked at before. */
export async function readLook(store: Reader, node: NodeName, now: number): Promise<Look> {
  const { began, left, pack, through } = await readReport(store, node, "verifier");
  const goesOn = isTime(began, now) && now - began < STALE && typeof left === "string" && isSnapshotId(left);
  const known = isTime(through, now) ? through : null;
  return {
    began: goesOn ? began : now,
    left: goesOn ? left : null,
    pack: goesOn && typeof pack === "string" ? pack : null,
    through: known,
    since: known === null ? Number.NEGATIVE_INFINITY : known - CLOCKS,
  };
}

/** A time that is not yet to come. */
function isTime(value: unknown, now: number): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= now;
}
