import { ColdkeepError, names } from "../../names/index.ts";
import type { Slot, SnapshotScope } from "../types.ts";

/** The error for a slot that is the key's own and cannot be used. */
export function damagedSlot(slot: Slot, { node, snapshot }: SnapshotScope, why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: `damaged key slot ${JSON.stringify(slot.id)}`,
    on: names.keyJson(node, snapshot),
    why,
    todo: "Bring back an older version of the key file or another copy of it",
  });
}
