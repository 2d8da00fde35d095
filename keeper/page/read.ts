import { inflateRawSync } from "node:zlib";
import { readData } from "./data.ts";
import type { PageNode } from "./types.ts";

const MAX_UNPACKED = 64 << 20;

/**
 * The nodes that a page tells of; null where it is none that this version wrote. Whatever somebody else put there is looked at
 * field by field, and is text again in the page that is made of it.
 */
export function readPage(bytes: Uint8Array): PageNode[] | null {
  const [packed, ...histories] = readData(Buffer.from(bytes).toString("utf8"));
  if (packed === undefined) return null;
  try {
    const facts: unknown = JSON.parse(
      inflateRawSync(Buffer.from(packed, "base64"), { maxOutputLength: MAX_UNPACKED }).toString("utf8"),
    );
    const nodes = isRecord(facts) && Array.isArray(facts.nodes) ? facts.nodes : [];
    const found = nodes.map((node: unknown, at) => (isRecord(node) ? { ...node, history: histories[at] } : node));
    return found.every(isPageNode) ? found : null;
  } catch {
    return null;
  }
}

const isText = (value: unknown) => typeof value === "string";
const isTime = (value: unknown) => Number.isFinite(value);
const isMaybe = (is: (value: unknown) => boolean) => (value: unknown) => value === null || is(value);
const isTupleOf = (count: number, is: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.length === count && value.every(is);
const isObjectOf = (fields: Readonly<Record<string, (value: unknown) => boolean>>) => (value: unknown) =>
  isRecord(value) && Object.entries(fields).every(([name, is]) => is(value[name]));

const FIELDS: Readonly<Record<keyof PageNode, (value: unknown) => boolean>> = {
  node: isText,
  vault: isText,
  profile: isText,
  at: isTime,
  latest: isMaybe(isObjectOf({ id: isText, at: isTime, height: isText, size: isText, down: isText })),
  proven: isMaybe(isObjectOf({ id: isText, at: isTime })),
  next: isMaybe(isTime),
  paused: isMaybe(isObjectOf({ until: isTime, why: isText })),
  tiers: isText,
  counts: isTupleOf(4, isTime),
  more: (value) => typeof value === "boolean",
  stored: isTime,
  grows: isMaybe(isTime),
  growth: isText,
  alarms: (value) => Array.isArray(value) && value.every(isTupleOf(3, isText)),
  dues: isTupleOf(2, isMaybe(isTime)),
  has: isText,
  days: isText,
  history: (value) => typeof value === "string" && /^[A-Za-z0-9+/]*=*$/.test(value),
};

function isPageNode(value: unknown): value is PageNode {
  return isObjectOf(FIELDS)(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
