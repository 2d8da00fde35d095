import * as z from "zod";
import { names, parseSnapshotId } from "../names/index.ts";
import { packIndex } from "./card.ts";
import * as f from "./fields.ts";
import { MAX_PACK_LIST_ROWS } from "./limits.ts";
import { type Expected, readExpected, readRecord, writeRecord } from "./record.ts";
import type { Begin, NodeJson, PackList, VaultJson } from "./types.ts";

const packList = z.strictObject({
  ...f.ofSnapshot,
  rows: z
    .array(
      z.strictObject({
        origin: f.snapshot,
        index: packIndex,
        ...f.sum,
      }),
    )
    .max(MAX_PACK_LIST_ROWS)
    .refine((rows) => new Set(rows.map((r) => `${r.origin} ${r.index}`)).size === rows.length, "names a pack twice"),
}) satisfies z.ZodType<PackList>;

const begin = z.strictObject({
  ...f.ofSnapshot,
  writer: f.base64url(32),
  parent: f.snapshot.exactOptional(),
  adopts: z.array(f.snapshot).max(256),
}) satisfies z.ZodType<Begin>;

const nodeJson = z.strictObject({
  ...f.ofNode,
  profile: f.text,
  key: f.base64url(32),
  created: f.time,
}) satisfies z.ZodType<NodeJson>;

const vaultJson = z.strictObject({
  format: f.format,
  created: f.time,
  min_agent: f.version,
  min_keeper: f.version,
}) satisfies z.ZodType<VaultJson>;

/** Reads `packs-NNNN.json`. @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parsePackList(bytes: Uint8Array, expected?: Expected, on = "pack list"): PackList {
  return readExpected(packList, bytes, expected, on);
}

export function encodePackList(value: PackList): Uint8Array {
  return writeRecord(packList, value, names.dataObject(value.node, value.snapshot, "pack list"));
}

/** Reads `begins/<id>.json`. @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parseBegin(bytes: Uint8Array, expected?: Expected, on = "begin"): Begin {
  return readExpected(begin, bytes, expected, on);
}

export function encodeBegin(value: Begin): Uint8Array {
  return writeRecord(begin, value, names.begin(value.node, value.snapshot));
}

/** Reads `node.json`. @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parseNodeJson(bytes: Uint8Array, expected?: Expected, on = "node.json"): NodeJson {
  return readExpected(nodeJson, bytes, expected, on);
}

export function encodeNodeJson(value: NodeJson): Uint8Array {
  return writeRecord(nodeJson, value, names.nodeJson(value.node));
}

/** Reads `vault.json`. @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parseVaultJson(bytes: Uint8Array): VaultJson {
  return readRecord<VaultJson>(vaultJson, bytes, names.VAULT_JSON);
}

export function encodeVaultJson(value: VaultJson): Uint8Array {
  return writeRecord<VaultJson>(vaultJson, value, names.VAULT_JSON);
}

/** The day of a snapshot, `YYYYMMDD`, as backup_list groups by it. */
export function dayOf(id: string): string {
  const parts = parseSnapshotId(id);
  if (parts === null) throw new RangeError(`no snapshot id: ${id}`);
  return id.slice(0, 8);
}
