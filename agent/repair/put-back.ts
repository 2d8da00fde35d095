import { createHash } from "node:crypto";
import { isColdkeepError, messageOf, toHex } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/facets.ts";
import { hashed } from "../../vault/store/hashed.ts";

export interface Sum {
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** What a store that keeps versions still has of an object. */
export type FirstVersion =
  | { readonly found: "it"; readonly bytes: Uint8Array }
  /** Something else was the first under this name: a restore reads that one, so nothing put over it helps. */
  | { readonly found: "other"; readonly version: string }
  | { readonly found: "nothing" };

const MOST_VERSIONS = 1000;

/** The first version of an object, which is what the host put. */
export async function firstVersion({ history }: Store, name: string, sum: Sum): Promise<FirstVersion> {
  if (history === undefined) return { found: "nothing" };
  const first = (await history.versions(name, MOST_VERSIONS)).at(-1);
  if (first === undefined) return { found: "nothing" };
  const other = { found: "other", version: first.version } as const;
  if (first.size !== sum.size) return other;
  const object = await history.get(name, first.version, { maxBytes: sum.size });
  return object !== null && isSum(object.bytes, sum) ? { found: "it", bytes: object.bytes } : other;
}

export function isSum(bytes: Uint8Array, { size, sha256 }: Sum): boolean {
  return bytes.length === size && toHex(createHash("sha256").update(bytes).digest()) === sha256;
}

/** Puts an object's own bytes back under its name; null where they are there now, else why not. */
export async function putBack(store: Store, name: string, bytes: Uint8Array): Promise<string | null> {
  try {
    const made = await store.create(name, hashed(bytes));
    if (made.created || made.same) return null;
    const { replaced } = await store.replace(name, bytes, made.info.etag);
    return replaced ? null : "somebody else wrote there meanwhile; run it again";
  } catch (error) {
    if (!isColdkeepError(error, "permission") && !isColdkeepError(error, "refused")) throw error;
    return `its bytes are at hand, and could not be put: ${messageOf(error)}`;
  }
}
