import type { Reader } from "../vault/store/facets.ts";
import { hashObject } from "./hash-object.ts";
import type { Identify } from "./identify.ts";
import { changed, missing, type ObjectDamage, sizeDamage } from "./pack-lists.ts";

/** Size, then digest; names the object that lies there in its place where that can be found out. */
export async function objectDamage(
  { store, signal }: { readonly store: Reader; readonly signal?: AbortSignal },
  expected: { readonly name: string; readonly size: number; readonly sha256: string },
  byDigest: boolean,
  identify: Identify,
): Promise<ObjectDamage | null> {
  const { name, size, sha256 } = expected;
  const info = await store.head(name);
  if (info === null) return missing(name);
  const wrong = sizeDamage(name, info.size, size);
  const isAsPut = info.sha256 === undefined || info.sha256 === sha256;
  // What lies in an archive class cannot be read: the sum that the store keeps of it has to do.
  if (info.archived === true && isAsPut) return wrong;
  const readable = byDigest && info.archived !== true;
  if (!readable && wrong === null && isAsPut) return null;
  const found =
    !isAsPut && !readable ? (info.sha256 as string) : await hashObject(store, name, info.size, () => {}, signal);
  if (found === null) return missing(name);
  if (found === sha256 && wrong === null) return null;
  const other = await identify(found);
  if (other !== null) return { object: name, problem: "swapped", detail: `it holds the bytes of ${other}` };
  return wrong ?? changed(name, found, sha256);
}
