import * as z from "zod";
import { type NodeName, names, type SnapshotId, type VaultId } from "../names/index.ts";
import * as f from "./fields.ts";
import { MAX_PACKS } from "./limits.ts";
import { type Expected, readExpected, writeRecord } from "./record.ts";

/** What was locked of one snapshot's folder and records. */
export interface LockedSnapshot {
  readonly snapshot: SnapshotId;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** Of which packs; ascending. */
  readonly packs: readonly (readonly [first: number, last: number])[];
  /** Whether also its manifest, card and begin. */
  readonly whole: boolean;
}

/** locks.json: until when what is in use was locked. A cache: without it everything is locked anew. */
export interface Locks {
  readonly format: 1;
  readonly vault: VaultId;
  readonly node: NodeName;
  /** How long new objects were locked by themselves when it was written. Milliseconds. */
  readonly ms: number;
  readonly locked: readonly LockedSnapshot[];
}

const locks = z.strictObject({
  ...f.ofNode,
  ms: f.count,
  locked: z
    .array(
      z.strictObject({
        snapshot: f.snapshot,
        until: f.time,
        packs: z.array(z.tuple([f.count, f.count])).max(MAX_PACKS),
        whole: z.boolean(),
      }),
    )
    .max(100_000),
}) satisfies z.ZodType<Locks>;

/** Reads `locks.json`. @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parseLocks(bytes: Uint8Array, expected?: Expected, on = "locks.json"): Locks {
  return readExpected<Locks>(locks, bytes, expected, on);
}

export function encodeLocks(value: Locks): Uint8Array {
  return writeRecord<Locks>(locks, value, names.locksJson(value.node));
}
