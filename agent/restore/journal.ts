import { mkdirSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fsyncFolder, readBounded, writeFileDurable } from "../../posix/durable.ts";
import { type ProcessIdentity, parseIdentity } from "../../posix/process.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";
import type { BytePath } from "./byte-path.ts";

/** One rename of the swap. The inode tells, after a crash, on which side of the rename the thing now is. */
export interface Move {
  readonly from: BytePath;
  readonly to: BytePath;
  /** `<dev>:<ino>` of what is moved. */
  readonly inode: string;
}

/** Where a folder that stays in place (a mount point) gets its mode, owner and time once all else is done. */
export interface LateMetadata {
  readonly path: BytePath;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly seconds: number;
  readonly nanoseconds: number;
}

/**
 * What a restore has begun, on disk before it happens. `staging`: only staging folders exist, undo by removing them;
 * `swapping`: some of the moves are done, undo them in reverse; `swapped`: all are done, finish by tidying up.
 */
export interface RestoreJournal {
  readonly format: 1;
  readonly phase: "staging" | "swapping" | "swapped";
  readonly owner: ProcessIdentity;
  readonly snapshot: string;
  /** What its folders are told apart by. */
  readonly run: string;
  /** Digest of all that decides what is staged (`boundTo`): another run goes on from here only where it is the same. */
  readonly bound: string;
  /** Folders that hold nothing but what this restore staged. */
  readonly staging: readonly BytePath[];
  /** Folders this restore made outside of staging; an undo removes them where they are empty. */
  readonly made: readonly BytePath[];
  readonly moves: readonly Move[];
  /** Where the old data lies after the moves. */
  readonly old: readonly BytePath[];
  readonly keepOld: boolean;
  readonly late: readonly LateMetadata[];
}

const MAX_BYTES = 256 << 20;

/** The journal's place: `<state dir>/<node>/restore.journal`. */
export function journalPath(stateDir: string, node: string): string {
  return join(stateDir, node, "restore.journal");
}

/** Durable when it returns; makes the node's state folder on a host that has none yet. @throws as `writeFileDurable`. */
export function writeJournal(path: string, journal: RestoreJournal): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileDurable(path, Buffer.from(`${JSON.stringify(journal)}\n`, "utf8"), 0o600);
}

export function removeJournal(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
  fsyncFolder(dirname(path));
}

/** Null where no restore has begun. @throws ColdkeepError `integrity` where the file is not a journal. */
export function readJournal(path: string): RestoreJournal | null {
  const bytes = readBounded(path, MAX_BYTES);
  if (bytes === null) return null;
  const journal = parseJournal(bytes.toString("utf8"));
  if (journal !== null) return journal;
  throw new ColdkeepError("integrity", {
    what: "cannot read the journal of an interrupted restore",
    on: path,
    why: "it is not in the form coldkeep writes",
    todo: "look for .coldkeep-restore-… and …coldkeep-old-… beside the node's folders, put the right one in place, then remove the journal",
  });
}

function parseJournal(text: string): RestoreJournal | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value) || value.format !== 1) return null;
  const { phase, snapshot, run, bound, staging, made, moves, old, keepOld, late } = value;
  const owner = parseIdentity(value.owner);
  if (owner === null || typeof snapshot !== "string" || typeof keepOld !== "boolean") return null;
  if (typeof run !== "string" || typeof bound !== "string") return null;
  if (phase !== "staging" && phase !== "swapping" && phase !== "swapped") return null;
  if (!isPaths(staging) || !isPaths(made) || !isPaths(old)) return null;
  if (!Array.isArray(moves) || !moves.every(isMove) || !Array.isArray(late) || !late.every(isLate)) return null;
  return { format: 1, phase, owner, snapshot, run, bound, staging, made, moves, old, keepOld, late };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isPath(value: unknown): value is BytePath {
  return typeof value === "string" && value.startsWith("/") && !value.includes("\0");
}

function isPaths(value: unknown): value is BytePath[] {
  return Array.isArray(value) && value.every(isPath);
}

function isMove(value: unknown): value is Move {
  if (!isRecord(value)) return false;
  return isPath(value.from) && isPath(value.to) && typeof value.inode === "string" && /^\d+:\d+$/.test(value.inode);
}

function isLate(value: unknown): value is LateMetadata {
  if (!isRecord(value) || !isPath(value.path)) return false;
  return [value.mode, value.uid, value.gid, value.seconds, value.nanoseconds].every(Number.isSafeInteger);
}
