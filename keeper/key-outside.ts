import { type CardCore, canonicalBytes, parseCanonical } from "../vault/card/index.ts";
import { fromBase64url, names, type SnapshotId } from "../vault/names/index.ts";
import type { Reader } from "../vault/store/facets.ts";
import { missing, type ObjectDamage } from "./pack-lists.ts";
import { type NodeScope, readObject } from "./read.ts";
import { MAX_BYTES } from "./rules.ts";

/** Slots a key.json may have (docs/FORMAT.md). */
const MAX_SLOTS = 32;

/** A key.json as far as it can be read without a key. */
export interface KeyFileOutside {
  readonly bytes: Uint8Array;
  readonly etag: string;
  /** Grows with each rotation. */
  readonly generation: number;
}

/**
 * What can be said of a key.json without a key: it is there, canonical, of this very snapshot, with the commitment its
 * card names, and has slots. Whether a slot opens, only its holder can tell.
 * @param core the card of that snapshot, where there is one
 */
export async function keyFileDamage(
  store: Reader,
  scope: NodeScope,
  id: SnapshotId,
  core: CardCore | null,
): Promise<ObjectDamage | null> {
  const read = await readKeyFile(store, scope, id, core);
  return "damage" in read ? read.damage : null;
}

/** Reads it and looks at it as `keyFileDamage` does. */
export async function readKeyFile(
  store: Reader,
  scope: NodeScope,
  id: SnapshotId,
  core: CardCore | null,
): Promise<KeyFileOutside | { readonly damage: ObjectDamage }> {
  const object = names.keyJson(scope.node, id);
  const read = await readObject(store, object, MAX_BYTES.key, (bytes) => parseCanonical(bytes, object));
  if (read.found === "nothing") return { damage: missing(object) };
  if (read.found === "malformed") return { damage: { object, problem: "malformed", detail: read.why } };
  const damage = damageOf(read.value, object, scope, id, core);
  if (damage !== null) return { damage };
  const { generation } = read.value as { readonly generation?: unknown };
  // Canonical bytes are the only ones it may have.
  const bytes = canonicalBytes(read.value);
  return { bytes, etag: read.info.etag, generation: typeof generation === "number" ? generation : 0 };
}

function damageOf(
  file: unknown,
  object: string,
  scope: NodeScope,
  id: SnapshotId,
  core: CardCore | null,
): ObjectDamage | null {
  if (typeof file !== "object" || file === null)
    return { object, problem: "malformed", detail: "it is no JSON object" };
  const field = (key: string): unknown =>
    Object.hasOwn(file, key) ? (file as Record<string, unknown>)[key] : undefined;
  for (const [key, expected] of Object.entries({ ...scope, snapshot: id })) {
    if (field(key) === expected) continue;
    return { object, problem: "swapped", detail: `it belongs to ${key} ${show(field(key))}, expected is ${expected}` };
  }
  if (core !== null && field("commit") !== core.commit) {
    const detail = `its commitment is ${show(field("commit"))}, the card's is ${core.commit}`;
    return { object, problem: "changed", detail };
  }
  const slots = field("slots");
  if (!Array.isArray(slots) || slots.length === 0 || slots.length > MAX_SLOTS) {
    const found = Array.isArray(slots) ? `${slots.length} slots` : "no slots";
    return { object, problem: "malformed", detail: `it has ${found}, 1 to ${MAX_SLOTS} are allowed` };
  }
  const mac = field("mac");
  if (typeof mac === "string" && fromBase64url(mac, 32) !== null) return null;
  return { object, problem: "malformed", detail: "its MAC is not 32 bytes as base64url" };
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 100)) : `no text`;
}
