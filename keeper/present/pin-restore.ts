import { createHash } from "node:crypto";
import { encodePin } from "../../vault/card/index.ts";
import { names, type SnapshotId } from "../../vault/names/index.ts";
import type { Creator } from "../../vault/store/facets.ts";
import { createRecord } from "../create.ts";
import type { NodeScope } from "../read.ts";
import { MAX_PIN } from "../rules.ts";

const DAY = 86_400_000;
const MAX_KNOWN = 1000;

export type PinRestore = (scope: NodeScope, id: SnapshotId, who: string, now: number) => Promise<number>;

/**
 * Keeps a snapshot while whoever was given a page of its plan may use it: to the end of the next day, and again with each
 * page. One caller makes one pin a day, whose name follows from who he is, so nobody can fill the vault with pins.
 */
export function makePinRestore(store: Creator): PinRestore {
  const known = new Set<string>();
  return async (scope, id, who, now) => {
    const day = Math.floor(now / DAY);
    const until = Math.min((day + 2) * DAY, now + MAX_PIN);
    const random = createHash("sha256").update(`${day}\n${who}`).digest("hex").slice(0, 32);
    const name = names.pin(scope.node, id, random);
    if (known.has(name)) return until;
    await createRecord(store, name, encodePin({ format: 1, ...scope, snapshot: id, until }));
    if (known.size >= MAX_KNOWN) known.clear();
    known.add(name);
    return until;
  };
}
