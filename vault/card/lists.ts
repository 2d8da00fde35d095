import * as z from "zod";
import { ColdkeepError, isSnapshotId, makeSameIds, names, type SnapshotId } from "../names/index.ts";
import * as f from "./fields.ts";
import { assertIndexSum, fillIn, NO_SUM } from "./index-sum.ts";
import { MAX_ORIGINS } from "./limits.ts";
import { type Expected, readExpected, writeRecord } from "./record.ts";
import { dayOf } from "./records.ts";
import type { Head, Index, IndexEntry } from "./types.ts";

const MAX_INDEX = 10_000;
const state = z.enum(["good", "broken", "damaged", "expired"]);

const entry = z.strictObject({
  snapshot: f.snapshot,
  state,
  remarks: z.array(z.string().max(1000)).max(64),
  writer: f.base64url(32),
  seq: z.int().min(1),
  parent: f.snapshot.exactOptional(),
  received: f.time,
  committed: f.time,
  profile: f.text,
  heights: f.heights.exactOptional(),
  group: f.text.exactOptional(),
  tags: f.tags,
  bytes: f.bytes,
  downtime_ms: f.count.exactOptional(),
  card: z.strictObject(f.sum),
  origins: z.array(f.snapshot).max(MAX_ORIGINS),
  proven: f.time.exactOptional(),
  expired: f.time.exactOptional(),
  pinned: z.literal(true).exactOptional(),
}) satisfies z.ZodType<IndexEntry>;

const index = z.strictObject({
  ...f.ofNode,
  generation: f.count,
  snapshots: z.array(entry).max(MAX_INDEX),
  months: z.array(z.string().regex(/^\d{4}-\d{2}$/)).max(1200),
  sha256: f.sha256.exactOptional(),
}) satisfies z.ZodType<StoredIndex>;

/** An index of before there were sums has none. */
type StoredIndex = Index & { readonly sha256?: string };

const head = z.strictObject({
  ...f.ofNode,
  generation: f.count,
  newest: f.snapshot.exactOptional(),
  writers: z.record(
    f.base64url(32),
    z.strictObject({
      good: f.snapshot.exactOptional(),
      recent: z.array(z.strictObject({ snapshot: f.snapshot, state })).max(16),
    }),
  ),
}) satisfies z.ZodType<Head>;

/**
 * Reads `index.json` or a month of it.
 * @throws ColdkeepError `integrity`, also where its sum is of another text, or `refused` where the format is newer.
 */
export function parseIndex(bytes: Uint8Array, expected?: Expected, on = "index.json"): Index {
  const { sha256, ...read } = readExpected<StoredIndex>(index, bytes, expected, on);
  if (sha256 !== undefined) assertIndexSum(bytes, on, sha256);
  return withSameIds(read);
}

/**
 * The same, whether its sum fits or not: for what no other object tells, and would be lost with a damaged index.
 * @throws ColdkeepError as parseIndex
 */
export function salvageIndex(bytes: Uint8Array, expected?: Expected, on = "index.json"): Index {
  const { sha256: _, ...read } = readExpected<StoredIndex>(index, bytes, expected, on);
  return withSameIds(read);
}

function withSameIds(read: Index): Index {
  const same = makeSameIds();
  return { ...read, snapshots: read.snapshots.map((one) => ({ ...one, origins: one.origins.map(same) })) };
}

export function encodeIndex(value: Index): Uint8Array {
  const bytes = writeRecord<StoredIndex>(index, { ...value, sha256: NO_SUM }, names.indexJson(value.node));
  fillIn(bytes);
  return bytes;
}

/** Reads `head.json`. @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parseHead(bytes: Uint8Array, expected?: Expected, on = "head.json"): Head {
  return readExpected<Head>(head, bytes, expected, on);
}

export function encodeHead(value: Head): Uint8Array {
  return writeRecord<Head>(head, value, names.headJson(value.node));
}

/** `backup_list`: one line a snapshot, `YYYYMMDD/<id>`, in the order given (newest first). */
export function encodeBackupList(entries: readonly Pick<IndexEntry, "snapshot">[]): Uint8Array {
  return new TextEncoder().encode(entries.map(({ snapshot }) => `${dayOf(snapshot)}/${snapshot}\n`).join(""));
}

/** The snapshots of a `backup_list`, in its order. @throws ColdkeepError `integrity` naming the line that is wrong. */
export function parseBackupList(bytes: Uint8Array, on = "backup_list"): SnapshotId[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const lines = text.split("\n");
  if (lines.pop() !== "") throw refuse(on, lines.length + 1, "has no end");
  return lines.map((line, i) => {
    const id = line.slice(9);
    if (!isSnapshotId(id) || line !== `${dayOf(id)}/${id}`) throw refuse(on, i + 1, "is not YYYYMMDD/<snapshot id>");
    return id;
  });
}

function refuse(on: string, line: number, why: string): ColdkeepError {
  return new ColdkeepError("integrity", { what: "cannot read", on, why: `line ${line} ${why}` });
}
