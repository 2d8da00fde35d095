import { createHash } from "node:crypto";
import { join } from "node:path";
import type { SuiteName } from "../../vault/card/types.ts";
import { isSnapshotId, type NodeName, type SnapshotId, toHex, type VaultId } from "../../vault/names/index.ts";
import type { ManifestOrigin } from "../../vault/sealed/types.ts";
import { readPrivateFile, writePrivateFile } from "../state/index.ts";
import type { FileSum } from "./local-files.ts";

/** Names of a run's local files in `<state dir>/<node>/runs/<id>/`. */
export const RUN_FILES = {
  run: "run.json",
  journal: "journal",
  /** Chunks of the packs put, in the order of their intents. */
  sent: "chunks.sent",
  /** The entries, one line each, naming rows of `chunks`. */
  entries: "entries",
  chunks: "chunks",
  tables: "tables.json",
  record: "record.json",
  card: "card.json",
} as const;

/** `run.json`: what a run is, durable before the vault hears of it. */
export interface RunHead {
  readonly version: 1;
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  readonly parent: SnapshotId | null;
  readonly suite: SuiteName;
  readonly seq: number;
  /** base64url of the snapshot's public key("commit"). */
  readonly commit: string;
  /** Tells whether the chunk ids are still made by the same key. */
  readonly chunk_key_check: string;
  /** Interrupted runs whose packs this one means to take over. */
  readonly adopts: readonly SnapshotId[];
  /**
   * `<type> <kid>` of who can open its packs; absent in runs of versions that did not write it down. No rotation reaches
   * the key file of a run that never became a snapshot.
   */
  readonly recipients?: readonly string[];
  /** Names of the vaults that took part at the begin; absent in runs of versions that fed one. */
  readonly vaults?: readonly string[];
}

/** A pack as a run's local tables know it; `origin` indexes the tables' origins. */
export interface LocalPack {
  readonly origin: number;
  readonly index: number;
  readonly size: number;
  readonly salt: string;
  readonly commit: string;
  readonly secret: boolean;
  /** Bytes of its frames that the run refers to; absent in runs of versions that did not count. */
  readonly live?: number;
  /**
   * Plain bytes of it in small mutable files, which a run that gives it up copies while the node is down; -1 where parts of
   * a larger one are in it, absent where nothing is.
   */
  readonly copies?: number;
}

/** `tables.json`: what the rows of `chunks` refer to. */
export interface LocalTables {
  readonly origins: readonly ManifestOrigin[];
  readonly packs: readonly LocalPack[];
  /** Segments of whole lines of `entries`; absent in runs of versions that made all segments anew. */
  readonly segments?: readonly LocalSegment[];
}

/** First line of `entries`, number of lines, row of `chunks`, entries. */
export type LocalSegment = readonly [from: number, count: number, row: number, entries: number];

/** `record.json`: the sums of a run's finished local files; without it a run is no parent. */
export interface RunRecord {
  readonly version: 1;
  readonly entries: FileSum;
  readonly chunks: FileSum;
  readonly tables: FileSum;
  /** Rows in `chunks`, and the highest row number plus one. */
  readonly rows: number;
  readonly row_limit: number;
}

/** A name for the chunk key that gives nothing of it away. */
export function chunkKeyCheck(chunkKey: Uint8Array): string {
  return createHash("sha256").update("coldkeep chunk key check\0").update(chunkKey).digest("hex").slice(0, 32);
}

export function writeRunHead(folder: string, head: RunHead): void {
  writePrivateFile(join(folder, RUN_FILES.run), Buffer.from(JSON.stringify(head)));
}

/** Null where the run's head is missing or not whole: such a run is unknown, which costs space and nothing else. */
export function readRunHead(folder: string): RunHead | null {
  const head = readJson(join(folder, RUN_FILES.run)) as Partial<RunHead> | null;
  if (head === null || head.version !== 1 || typeof head.snapshot !== "string" || !isSnapshotId(head.snapshot))
    return null;
  const whole = Number.isSafeInteger(head.seq) && typeof head.commit === "string" && Array.isArray(head.adopts);
  return whole ? (head as RunHead) : null;
}

export function writeRunRecord(folder: string, record: RunRecord): void {
  writePrivateFile(join(folder, RUN_FILES.record), Buffer.from(JSON.stringify(record)));
}

/** Null where the run did not come as far as its record, or the record is damaged. */
export function readRunRecord(folder: string): RunRecord | null {
  const record = readJson(join(folder, RUN_FILES.record)) as Partial<RunRecord> | null;
  if (record === null || record.version !== 1) return null;
  const { entries, chunks, tables, rows, row_limit } = record;
  if (![entries, chunks, tables].every(isSum) || !Number.isSafeInteger(rows) || !Number.isSafeInteger(row_limit))
    return null;
  return record as RunRecord;
}

/** Writes the tables and says how to know them again. */
export function writeTables(folder: string, tables: LocalTables): FileSum {
  const bytes = Buffer.from(JSON.stringify(tables));
  writePrivateFile(join(folder, RUN_FILES.tables), bytes);
  return { size: bytes.length, sha256: toHex(createHash("sha256").update(bytes).digest()) };
}

/** The tables whose sum was checked before. */
export function readTables(folder: string): LocalTables | null {
  return readJson(join(folder, RUN_FILES.tables)) as LocalTables | null;
}

function readJson(path: string): unknown {
  const bytes = readPrivateFile(path, 512 << 20);
  if (bytes === null) return null;
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

function isSum(value: unknown): value is FileSum {
  return typeof value === "object" && value !== null && "size" in value && "sha256" in value;
}
