import { createHash } from "node:crypto";
import {
  type Begin,
  type Card,
  type ClosingCard,
  isCommitted,
  type NodeJson,
  parseBegin,
  parseCard,
  parseNodeJson,
} from "../vault/card/index.ts";
import {
  ColdkeepError,
  FORMAT,
  isColdkeepError,
  messageOf,
  type NodeName,
  names,
  type SnapshotId,
  toHex,
  type VaultId,
} from "../vault/names/index.ts";
import type { ObjectInfo, Reader } from "../vault/store/facets.ts";
import { MAX_BYTES } from "./rules.ts";

/** Which archive and node is meant; what every object must say of itself. */
export interface NodeScope {
  readonly vault: VaultId;
  readonly node: NodeName;
}

/** What lies under a name: nothing, the thing itself, or something that is not what it should be. */
export type Found<T> =
  | { readonly found: "nothing" }
  | { readonly found: "malformed"; readonly why: string; readonly info: ObjectInfo | null }
  | { readonly found: "it"; readonly value: T; readonly info: ObjectInfo; readonly sha256: string };

function sha256Hex(bytes: Uint8Array): string {
  return toHex(createHash("sha256").update(bytes).digest());
}

/**
 * Reads and parses an object. Only what is proven is `nothing` or `malformed`; a store that cannot tell throws.
 * @throws ColdkeepError `refused` where the object was written by a newer major version: nothing may be concluded then.
 */
export async function readObject<T>(
  store: Reader,
  name: string,
  maxBytes: number,
  parse: (bytes: Uint8Array) => T,
): Promise<Found<T>> {
  let object: Awaited<ReturnType<Reader["get"]>>;
  try {
    object = await store.get(name, { maxBytes });
  } catch (error) {
    if (!isMismatch(error)) throw error;
    return { found: "malformed", why: messageOf(error), info: null };
  }
  if (object === null) return { found: "nothing" };
  const { bytes, info } = object;
  try {
    return { found: "it", value: parse(bytes), info, sha256: sha256Hex(bytes) };
  } catch (error) {
    if (!isMismatch(error)) throw error;
    refuseNewer(bytes, name);
    return { found: "malformed", why: messageOf(error), info };
  }
}

/** True for a proven difference, as opposed to a store that could not answer. */
export function isMismatch(error: unknown): boolean {
  return isColdkeepError(error, "integrity") && !error.retryable;
}

/**
 * node.json, whose key every card must be signed by.
 * @param cardKey that key, where somebody pinned it
 * @throws `not-found` without one, `integrity` for a damaged one, another archive's or another key's.
 */
export async function readNode(
  store: Reader,
  node: NodeName,
  vault: VaultId | undefined,
  cardKey?: string,
): Promise<NodeJson> {
  const on = names.nodeJson(node);
  const read = await readObject(store, on, MAX_BYTES.node, (bytes) => parseNodeJson(bytes, { node }));
  if (read.found === "malformed") {
    throw new ColdkeepError("integrity", {
      what: "the node's own record is damaged",
      on,
      why: read.why,
      todo: "Put the file back from a copy: without it no card can be told from a forged one",
    });
  }
  if (read.found === "nothing") {
    throw new ColdkeepError("not-found", {
      what: "the vault has no such node",
      on: node,
      why: `there is no ${on}`,
      todo: "Check the vault and the node's name, or make a first backup",
    });
  }
  if (vault !== undefined && read.value.vault !== vault) {
    throw new ColdkeepError("integrity", {
      what: "this is another archive",
      on,
      why: `it belongs to vault id ${read.value.vault}, expected is ${vault}`,
      todo: "Check the vault's place and the vault id in the config",
    });
  }
  if (cardKey !== undefined && read.value.key !== cardKey) {
    throw new ColdkeepError("integrity", {
      what: "another host claimed the node's name",
      on,
      why: `its cards are to be signed by ${cardKey}, and it names ${read.value.key}`,
      todo: "Find out who wrote it; correct card_key where the node's signing key was made anew on purpose",
    });
  }
  return read.value;
}

export function readCard(store: Reader, scope: NodeScope, id: SnapshotId): Promise<Found<Card | ClosingCard>> {
  const expected = { vault: scope.vault, node: scope.node, snapshot: id };
  return readObject(store, names.card(scope.node, id), MAX_BYTES.card, (bytes) => parseCard(bytes, expected));
}

/** The committed card under an id, or null where there is none that reads as one. */
export async function readCommitted(store: Reader, scope: NodeScope, id: SnapshotId): Promise<Card | null> {
  const read = await readCard(store, scope, id);
  return read.found === "it" && isCommitted(read.value) ? read.value : null;
}

export function readBegin(store: Reader, scope: NodeScope, id: SnapshotId): Promise<Found<Begin>> {
  const expected = { vault: scope.vault, node: scope.node, snapshot: id };
  return readObject(store, names.begin(scope.node, id), MAX_BYTES.begin, (bytes) => parseBegin(bytes, expected));
}

function refuseNewer(bytes: Uint8Array, on: string): void {
  const format = formatOf(bytes);
  if (format === null || format <= FORMAT) return;
  throw new ColdkeepError("refused", {
    what: "an object of a newer format",
    on,
    why: `it is of format ${format}, this version knows up to ${FORMAT}; nothing may be concluded from what it cannot read`,
    todo: "Use a newer coldkeep on this vault",
  });
}

/** The format a JSON object claims, however the rest of it looks; null where it claims none. */
function formatOf(bytes: Uint8Array): number | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch {
    return null;
  }
  return numberAt(value, "format") ?? numberAt(memberOf(value, "core"), "format");
}

function numberAt(value: unknown, key: string): number | null {
  const member = memberOf(value, key);
  return typeof member === "number" ? member : null;
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}
