import { ColdkeepError, messageOf, names, type SnapshotId } from "../vault/names/index.ts";
import type { Reader } from "../vault/store/facets.ts";
import type { NodeScope } from "./read.ts";
import { MAX_BYTES } from "./rules.ts";

/** No snapshot is expired and rescued this often; the bound ends a walk over planted markers. */
const MAX_MARKERS = 1000;

/**
 * When a snapshot's grace began (receipt of its newest expired marker, ms since the epoch), or null where it has none
 * or was rescued since.
 */
export async function expiredAt(store: Reader, scope: NodeScope, id: SnapshotId): Promise<number | null> {
  let since: number | null = null;
  let n = 0;
  while (n < MAX_MARKERS) {
    const marker = await store.head(names.expired(scope.node, id, n + 1));
    if (marker === null) break;
    since = marker.receivedAt;
    n += 1;
  }
  if (since === null || (await isRescued(store, scope, id, n))) return null;
  return since;
}

/** A fate that cannot be read protects nothing and frees nothing: it stops whoever asks. */
async function isRescued(store: Reader, scope: NodeScope, id: SnapshotId, n: number): Promise<boolean> {
  const name = names.fate(scope.node, id, n);
  const object = await store.get(name, { maxBytes: MAX_BYTES.marker });
  if (object === null) return false;
  const fate = fateOf(object.bytes, name);
  return fate === "rescued";
}

function fateOf(bytes: Uint8Array, on: string): "collect" | "rescued" {
  let why = 'its "fate" is neither "collect" nor "rescued"';
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (typeof value === "object" && value !== null && "fate" in value) {
      if (value.fate === "collect" || value.fate === "rescued") return value.fate;
    }
  } catch (error) {
    why = messageOf(error);
  }
  throw new ColdkeepError("integrity", { what: "cannot tell a snapshot's fate", on, why });
}
