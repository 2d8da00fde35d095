import { type Clock, systemClock } from "../../posix/clock.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { makePackTable } from "../open/index.ts";
import type { RestorePlan } from "./types.ts";

/** Less than this takes no time worth foretelling, and would not pay for asking. Bytes. */
const WORTH = 256 << 20;
/** What is read to see how fast the vault is: so many pieces at once, as a restore does. Bytes. */
const PIECES = 4;
const PIECE = 2 << 20;

/** How fast something is: bytes in milliseconds. */
export interface Speed {
  readonly bytes: number;
  readonly ms: number;
}

/**
 * Reads a little of what a restore will fetch, to see how fast the vault gives it; what else a restore does is not in it, so
 * that it foretells the least a restore takes. Null where there is too little to fetch.
 * @throws ColdkeepError as the store; `integrity` where a pack is not there.
 */
export async function sampleSpeed(plan: RestorePlan, clock: Clock = systemClock): Promise<Speed | null> {
  if (plan.fetch.bytes < WORTH) return null;
  const { store } = plan.opened;
  const packs = makePackTable(plan.opened)
    .rows.filter(({ size }) => size >= PIECE)
    .slice(-PIECES);
  if (packs.length === 0) return null;
  const began = clock.monotonic();
  const pieces = await Promise.all(packs.map(({ object }) => store.getRange(object, 0, PIECE)));
  const missing = packs.find((_, at) => pieces[at] === null);
  if (missing !== undefined) {
    throw new ColdkeepError("integrity", {
      what: "a pack of the snapshot is not there",
      on: missing.object,
      todo: "choose another snapshot; `coldkeep verify` tells what is lost",
    });
  }
  return { bytes: packs.length * PIECE, ms: clock.monotonic() - began };
}
