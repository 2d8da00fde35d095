import { FORMAT, fromBase64url, isNodeName, isSnapshotId, isVaultId, names } from "../names/index.ts";
import { MAX_ORIGINS, MAX_PACK_LISTS, MAX_PACKS } from "./limits.ts";

/**
 * Whether a value is a committed card, told quickly: the collector reads every card there is, and the schema of card.ts
 * takes ten times as long for one of many origins. True only where the schema agrees, which a property test holds it to;
 * what is wrong with any other the schema says.
 */
export function isQuicklyCard(value: unknown): boolean {
  if (!hasMembers(value, CARD)) return false;
  const { core, mac, sig } = value;
  return isCore(core) && isBase64url(mac, 32) && isSignature(sig);
}

type Members = Readonly<Record<string, unknown>>;
/** Names of members; true where it must be there. */
type Shape = ReadonlyMap<string, boolean>;

const shape = (required: readonly string[], optional: readonly string[] = []): Shape =>
  new Map([...required.map((name) => [name, true] as const), ...optional.map((name) => [name, false] as const)]);

const CARD = shape(["core", "mac", "sig"]);
const SIGNATURE = shape(["key", "value"]);
const CORE = shape(
  [
    ...["format", "vault", "node", "snapshot", "state", "suite", "commit", "seq", "started", "captured", "profile"],
    ...["tags", "bytes", "manifest", "pack_lists", "origins"],
  ],
  ["parent", "downtime_ms", "heights", "group"],
);
const BYTES = shape(["total", "added", "stored", "files"]);
const SUM = shape(["size", "sha256"]);
const LIST = shape(["name", "size", "sha256"]);
const ORIGIN = shape(["snapshot", "ranges"]);

/** All members that must be there, and no others. */
function hasMembers(value: unknown, known: Shape): value is Members {
  if (!isPlain(value)) return false;
  let required = 0;
  for (const key of Object.keys(value)) {
    const must = known.get(key);
    if (must === undefined) return false;
    if (must) required += 1;
  }
  return required === requiredOf(known);
}

const counts = new Map<Shape, number>();
function requiredOf(known: Shape): number {
  const there = counts.get(known) ?? [...known.values()].filter((must) => must).length;
  counts.set(known, there);
  return there;
}

function isPlain(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCore(core: unknown): boolean {
  if (!hasMembers(core, CORE)) return false;
  return (
    core.format === FORMAT &&
    core.state === "committed" &&
    (core.suite === "aes-256-gcm" || core.suite === "sm4-gcm") &&
    typeof core.vault === "string" &&
    isVaultId(core.vault) &&
    typeof core.node === "string" &&
    isNodeName(core.node) &&
    isSnapshot(core.snapshot) &&
    isBase64url(core.commit, 32) &&
    isCount(core.seq) &&
    core.seq >= 1 &&
    isCount(core.started) &&
    isCount(core.captured) &&
    isText(core.profile) &&
    isTags(core.tags) &&
    hasMembers(core.bytes, BYTES) &&
    Object.values(core.bytes).every(isCount) &&
    hasMembers(core.manifest, SUM) &&
    isSum(core.manifest) &&
    isMissingOr(core, "parent", isSnapshot) &&
    isMissingOr(core, "downtime_ms", isCount) &&
    isMissingOr(core, "group", isText) &&
    isMissingOr(core, "heights", isHeights) &&
    isPackLists(core.pack_lists) &&
    isOrigins(core.origins)
  );
}

function isMissingOr(of: Members, name: string, check: (value: unknown) => boolean): boolean {
  return !Object.hasOwn(of, name) || check(of[name]);
}

function isSignature(sig: unknown): boolean {
  return hasMembers(sig, SIGNATURE) && isBase64url(sig.key, 32) && isBase64url(sig.value, 64);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.length <= 255;
}

function isSnapshot(value: unknown): value is string {
  return typeof value === "string" && isSnapshotId(value);
}

function isBase64url(value: unknown, length: number): boolean {
  return typeof value === "string" && fromBase64url(value, length) !== null;
}

function isTags(value: unknown): boolean {
  return Array.isArray(value) && value.length <= 64 && value.every(isText);
}

function isHeights(value: unknown): boolean {
  if (!isPlain(value)) return false;
  return Object.entries(value).every(([channel, height]) => isText(channel) && isCount(height));
}

function isSum({ size, sha256 }: Members): boolean {
  return isCount(size) && typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256);
}

function isPackLists(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > MAX_PACK_LISTS) return false;
  return value.every((list, at) => hasMembers(list, LIST) && list.name === names.packListName(at) && isSum(list));
}

function isOrigins(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > MAX_ORIGINS) return false;
  const told = new Set<string>();
  for (const origin of value) {
    if (!hasMembers(origin, ORIGIN) || !isSnapshot(origin.snapshot) || !isRanges(origin.ranges)) return false;
    told.add(origin.snapshot);
  }
  return told.size === value.length;
}

/** Ascending, not touching. */
function isRanges(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false;
  let next = 0;
  for (const range of value) {
    if (!Array.isArray(range) || range.length !== 2) return false;
    const [first, last] = range as [unknown, unknown];
    if (!isCount(first) || !isCount(last) || first < next || last < first || last >= MAX_PACKS) return false;
    next = last + 2;
  }
  return true;
}
