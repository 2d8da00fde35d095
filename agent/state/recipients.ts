import { join } from "node:path";
import { damaged, readState, writeState } from "./json.ts";

/** What is known of a recipient whose private half is not on this host. */
export interface RecipientRecord {
  /** A challenge for it, base64, and the SHA-256 of its answer, base64url. */
  readonly question: string;
  readonly sha256: string;
  /** When the answer came: milliseconds since the epoch. */
  readonly proven?: number;
}

const NAME = "recipients.json";
const LOST = "remove the file; the recipients are then asked to prove themselves again";

/** The record of a recipient by its label (`age 0123…`), or null. */
export function readRecipient(folder: string, label: string): RecipientRecord | null {
  const path = join(folder, NAME);
  const found = readState(path, LOST)?.[label];
  if (found === undefined) return null;
  if (isRecord(found)) return found;
  throw damaged(path, `the entry ${JSON.stringify(label)} is no record of a recipient`, LOST);
}

export function writeRecipient(folder: string, label: string, record: RecipientRecord): void {
  const path = join(folder, NAME);
  writeState(path, { ...readState(path, LOST), [label]: record });
}

function isRecord(value: unknown): value is RecipientRecord {
  if (typeof value !== "object" || value === null) return false;
  const { question, sha256, proven } = value as Record<string, unknown>;
  const proof = proven === undefined || Number.isSafeInteger(proven);
  return typeof question === "string" && typeof sha256 === "string" && proof;
}
