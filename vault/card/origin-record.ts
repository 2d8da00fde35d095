import * as z from "zod";
import { names } from "../names/index.ts";
import * as f from "./fields.ts";
import { type Expected, readExpected, writeRecord } from "./record.ts";
import type { OriginRecord } from "./types.ts";

const originRecord = z
  .strictObject({
    format: f.format,
    vault: f.vault,
    node: f.node,
    snapshot: f.snapshot,
    begun: f.time,
    committed: f.time,
  })
  .refine(({ begun, committed }) => begun <= committed, "committed before it began") satisfies z.ZodType<OriginRecord>;

/** Reads `snapshots/<id>.origin.json`. @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parseOriginRecord(bytes: Uint8Array, expected?: Expected, on = "origin record"): OriginRecord {
  return readExpected<OriginRecord>(originRecord, bytes, expected, on);
}

export function encodeOriginRecord(value: OriginRecord): Uint8Array {
  return writeRecord<OriginRecord>(originRecord, value, names.originRecord(value.node, value.snapshot));
}
