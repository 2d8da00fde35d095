import { unlinkSync } from "node:fs";
import { join } from "node:path";
import { fsyncFolder, readBounded, writeFileDurable } from "../../posix/durable.ts";
import { type ProcessIdentity, parseIdentity, processIdentity } from "../../posix/process.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";
import type { Latin1 } from "./bytes.ts";
import { FREEZE_FOLDER } from "./frozen-place.ts";
import { parseVolumes, type VolumeRecord, volumeContext } from "./volumes/index.ts";

/**
 * How far a freeze is, as far as it matters to whoever undoes it:
 * prepared: the node was not touched; stopping: it may be down, from the moment before it is asked to stop; started: it
 * was brought back. Nothing is made durable in between, since that would lengthen the outage.
 */
export type FreezeStep = "prepared" | "stopping" | "started";

export interface FreezeRecord {
  /** 2 where there are snapshots, which an older coldkeep would leave behind. */
  readonly format: 1 | 2;
  readonly node: string;
  readonly run: string;
  readonly step: FreezeStep;
  /** Null where the run ended and left this for the next one: the node would not start. */
  readonly identity: ProcessIdentity | null;
  /** How the node is driven, for people. */
  readonly label: string;
  /** Folders to remove, latin1. */
  readonly frozen: readonly Latin1[];
  /** Snapshots to remove before them, written down before they are taken; default: none. */
  readonly volumes?: readonly VolumeRecord[];
}

const MAX_BYTES = 1 << 20;

export function journalPath(stateDir: string): string {
  return join(stateDir, "freeze.journal");
}

/** The folder of a run's own files, beside the journal. */
export function recordsFolder(stateDir: string): string {
  return join(stateDir, "freeze");
}

/** Writes the journal durably: it holds after a power cut once this returns. @throws ColdkeepError. */
export function writeJournal(stateDir: string, record: Omit<FreezeRecord, "format" | "identity">, left = false): void {
  const whole: FreezeRecord = {
    format: (record.volumes ?? []).length > 0 ? 2 : 1,
    ...record,
    identity: left ? null : processIdentity(),
  };
  writeFileDurable(journalPath(stateDir), Buffer.from(JSON.stringify(whole)));
}

/**
 * The journal of a run, or null where there is none.
 * @throws ColdkeepError `integrity` where it cannot be understood: then a person must look after the node.
 */
export function readJournal(stateDir: string): FreezeRecord | null {
  const path = journalPath(stateDir);
  const bytes = readBounded(path, MAX_BYTES);
  if (bytes === null) return null;
  const record = parse(bytes, stateDir);
  if (record !== null) return record;
  throw new ColdkeepError("integrity", {
    what: "the journal of an interrupted freeze cannot be read",
    on: path,
    why: "it is damaged, or of another version of coldkeep",
    todo: `see that the node runs, remove what is left in ${FREEZE_FOLDER} beside its folders, then remove the journal`,
  });
}

export function removeJournal(stateDir: string): void {
  try {
    unlinkSync(journalPath(stateDir));
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
  fsyncFolder(stateDir);
}

function parse(bytes: Buffer, stateDir: string): FreezeRecord | null {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof value !== "object" || value === null) return null;
    const { format, node, run, step, identity, label, frozen, volumes } = value as Record<string, unknown>;
    if (format !== 1 && format !== 2) return null;
    if (typeof node !== "string" || typeof run !== "string" || typeof label !== "string") return null;
    if (step !== "prepared" && step !== "stopping" && step !== "started") return null;
    const who = identity === null ? null : parseIdentity(identity);
    if (who === null && identity !== null) return null;
    const suffix = `/${runFolderName(node, run)}`;
    // Only folders that a run makes are ever removed.
    const isFrozen = (path: unknown): path is string =>
      typeof path === "string" && path.startsWith("/") && path.endsWith(suffix);
    if (!Array.isArray(frozen) || !frozen.every(isFrozen)) return null;
    const base = { format, node, run, step, identity: who, label, frozen } as const;
    if (format === 1) return base;
    const snapshots = parseVolumes(volumes, runFolderName(node, run), volumeContext({ node, run, stateDir }));
    return snapshots === null ? null : { ...base, volumes: snapshots };
  } catch {
    return null;
  }
}

/** The name of a run's folder; `@` is in no node's name, so that no two nodes can mean the same. */
export function runFolderName(node: string, run: string): string {
  return `${run}@${node}`;
}
