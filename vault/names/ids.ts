import { ColdkeepError } from "./errors.ts";

/** `YYYYMMDDTHHMMSSZ-bh<height>-<16 hex>`; `-bh…` only when a height is known. The hex part is 64 random bits. */
export type SnapshotId = string & { readonly __brand: "SnapshotId" };
/** The name of one backed-up service; also its prefix in the vault. */
export type NodeName = string & { readonly __brand: "NodeName" };
/** 16 random bytes made by `init`, as base64url without padding (22 characters). Names the archive, not the place. */
export type VaultId = string & { readonly __brand: "VaultId" };

const SNAPSHOT = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z(?:-bh(0|[1-9]\d{0,15}))?-([0-9a-f]{16})$/;
const NODE = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;
const RESERVED = new Set(["groups", "tickets", "vault.json"]);
const VAULT = /^[A-Za-z0-9_-]{21}[AQgw]$/;

export interface SnapshotIdParts {
  /** Seconds precision, milliseconds since the epoch. */
  readonly time: number;
  readonly height?: number;
  readonly random: string;
}

/** Makes a snapshot id. `random` is 8 bytes from the system's random source. */
export function makeSnapshotId(time: number, random: Uint8Array, height?: number): SnapshotId {
  if (random.length !== 8) throw new RangeError(`snapshot id: 8 random bytes expected, got ${random.length}`);
  if (height !== undefined && !(Number.isSafeInteger(height) && height >= 0)) {
    throw new RangeError(`snapshot id: height must be an integer from 0 to 2^53-1, got ${height}`);
  }
  const stamp = stampOf(time);
  if (!/^\d{8}T\d{6}Z$/.test(stamp)) throw new RangeError(`snapshot id: the year must have four digits, got ${stamp}`);
  const bh = height === undefined ? "" : `-bh${height}`;
  return `${stamp}${bh}-${Buffer.from(random).toString("hex")}` as SnapshotId;
}

function stampOf(time: number): string {
  return new Date(time)
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replace(/[-:]/g, "");
}

/** The parts of a snapshot id, or null where the text is none. */
export function parseSnapshotId(text: string): SnapshotIdParts | null {
  const m = SNAPSHOT.exec(text);
  if (m === null) return null;
  const [, year, month, day, hour, minute, second, height, random] = m;
  // Date.parse takes 30 February and 24:00 for other days; a height beyond 2^53-1 would come back as another.
  if (!isMoment(Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second))) return null;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (height !== undefined && !Number.isSafeInteger(Number(height))) return null;
  return { time, random: random as string, ...(height === undefined ? {} : { height: Number(height) }) };
}

function isMoment(year: number, month: number, day: number, hour: number, minute: number, second: number): boolean {
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return false;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 ? (leap ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return day >= 1 && day <= days;
}

export function isSnapshotId(text: string): text is SnapshotId {
  return parseSnapshotId(text) !== null;
}

/** @throws ColdkeepError `usage` where the text is no snapshot id. */
export function toSnapshotId(text: string): SnapshotId {
  if (isSnapshotId(text)) return text;
  throw new ColdkeepError("usage", {
    what: "not a snapshot id",
    on: JSON.stringify(text),
    why: "an id looks like 20260115T000000Z-bh1200-0123456789abcdef",
    todo: "`coldkeep list` shows the ids there are",
  });
}

export function isNodeName(text: string): text is NodeName {
  return NODE.test(text) && !text.includes("..") && !RESERVED.has(text);
}

/** @throws ColdkeepError `usage` where the text cannot name a node. */
export function toNodeName(text: string): NodeName {
  if (isNodeName(text)) return text;
  throw new ColdkeepError("usage", {
    what: "not a node name",
    on: JSON.stringify(text),
    why: "allowed are 1 to 63 of a-z 0-9 . _ -, beginning and ending with a letter or digit, and not groups or tickets",
  });
}

export function isVaultId(text: string): text is VaultId {
  return VAULT.test(text);
}

/** Makes a vault id from 16 random bytes. */
export function makeVaultId(random: Uint8Array): VaultId {
  if (random.length !== 16) throw new RangeError(`vault id: 16 random bytes expected, got ${random.length}`);
  return Buffer.from(random).toString("base64url") as VaultId;
}
