import * as z from "zod";
import { type NodeName, names, type SnapshotId, type VaultId } from "../names/index.ts";
import * as f from "./fields.ts";
import { type Expected, readExpected, writeRecord } from "./record.ts";

/** What the small records about one snapshot have in common. */
interface About {
  readonly format: 1;
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
}

/** `<id>.expired.<n>.json`: its receipt begins the n-th grace. Readers need no more than its name. */
export interface Expired extends About {
  readonly round: number;
}

/** `<id>.fate.<n>.json`: how the n-th grace ended. */
export interface Fate extends About {
  readonly round: number;
  readonly fate: "collect" | "rescued";
}

/** `<id>.mark.<n>.json`: what an operator said of a snapshot. The one with the greatest n holds, whole. */
export interface Mark extends About {
  readonly round: number;
  readonly pinned: boolean;
  readonly reason?: string;
  /** All tags, those of the card included where they still hold. */
  readonly tags: readonly string[];
  /** It is to go, whatever tiers say. Never with `pinned`. */
  readonly forgotten?: true;
}

/** `pins/<id>/<random>.json`: a restore is running; nothing it needs may go before `until`. */
export interface Pin extends About {
  readonly until: number;
}

/** `proofs/<id>-<stamp>.proof.json`: a drill restored it. Readers need no more than its name and its receipt. */
export interface Proof extends About {
  /** When it was all there again, by the clock of the host that did it; milliseconds. */
  readonly restored: number;
  readonly seconds: number;
  readonly files: number;
  readonly bytes: number;
  /** The system's own reader, or whatever the operator runs, accepted it, too. */
  readonly opened: boolean;
}

/** `clearances/<random>.json`: an operator looked at what was odd, and found it right. */
export interface Clearance {
  readonly format: 1;
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly reason: string;
}

/** `plans/<digest>.json`: versions that a run of the collector found dead, put before the first is deleted. */
export interface DeletionPlan {
  readonly format: 1;
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly objects: readonly { readonly name: string; readonly etag: string; readonly version?: string }[];
}

/** Objects a plan may name; longer ones are cut. */
export const MAX_PLAN_OBJECTS = 10_000;

const round = z.int().min(1);
const expired = z.strictObject({ ...f.ofSnapshot, round }) satisfies z.ZodType<Expired>;
const fate = z.strictObject({ ...f.ofSnapshot, round, fate: z.enum(["collect", "rescued"]) }) satisfies z.ZodType<Fate>;
const mark = z.strictObject({
  ...f.ofSnapshot,
  round,
  pinned: z.boolean(),
  reason: f.text.exactOptional(),
  tags: f.tags,
  forgotten: z.literal(true).exactOptional(),
}) satisfies z.ZodType<Mark>;
const pin = z.strictObject({ ...f.ofSnapshot, until: f.time }) satisfies z.ZodType<Pin>;
const proof = z.strictObject({
  ...f.ofSnapshot,
  restored: f.time,
  seconds: f.count,
  files: f.count,
  bytes: f.count,
  opened: z.boolean(),
}) satisfies z.ZodType<Proof>;
const clearance = z.strictObject({
  ...f.ofNode,
  reason: f.text,
}) satisfies z.ZodType<Clearance>;
const plan = z.strictObject({
  ...f.ofNode,
  objects: z
    .array(
      z.strictObject({
        name: z.string().max(1024),
        etag: z.string().max(255),
        version: z.string().max(1024).exactOptional(),
      }),
    )
    .max(MAX_PLAN_OBJECTS),
}) satisfies z.ZodType<DeletionPlan>;

export function encodeExpired(value: Expired): Uint8Array {
  return writeRecord<Expired>(expired, value, names.expired(value.node, value.snapshot, value.round));
}

export function encodeFate(value: Fate): Uint8Array {
  return writeRecord<Fate>(fate, value, names.fate(value.node, value.snapshot, value.round));
}

/** @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parseFate(bytes: Uint8Array, expected?: Expected, on = "fate"): Fate {
  return readExpected<Fate>(fate, bytes, expected, on);
}

export function encodeMark(value: Mark): Uint8Array {
  return writeRecord<Mark>(mark, value, names.mark(value.node, value.snapshot, value.round));
}

/** @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parseMark(bytes: Uint8Array, expected?: Expected, on = "mark"): Mark {
  return readExpected<Mark>(mark, bytes, expected, on);
}

export function encodePin(value: Pin): Uint8Array {
  return writeRecord<Pin>(pin, value, `pin of ${value.snapshot}`);
}

/** @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parsePin(bytes: Uint8Array, expected?: Expected, on = "pin"): Pin {
  return readExpected<Pin>(pin, bytes, expected, on);
}

export function encodeProof(value: Proof): Uint8Array {
  return writeRecord<Proof>(proof, value, `proof of ${value.snapshot}`);
}

export function encodeClearance(value: Clearance): Uint8Array {
  return writeRecord<Clearance>(clearance, value, "clearance");
}

export function encodeDeletionPlan(value: DeletionPlan): Uint8Array {
  return writeRecord<DeletionPlan>(plan, value, "plan");
}

/** @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parseDeletionPlan(bytes: Uint8Array, expected?: Expected, on = "plan"): DeletionPlan {
  return readExpected<DeletionPlan>(plan, bytes, expected, on);
}
