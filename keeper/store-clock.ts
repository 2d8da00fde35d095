import { canonicalBytes } from "../vault/card/index.ts";
import { names } from "../vault/names/index.ts";
import type { Reader, Replacer } from "../vault/store/facets.ts";
import { contended } from "./index-files.ts";
import type { NodeScope } from "./read.ts";

const ATTEMPTS = 8;

/**
 * What the store's own clock says, told by the receipt of a small object: graces are counted in its time, never in that
 * of the machine a job happens to run on. Milliseconds since the epoch; S3 tells whole seconds.
 */
export async function storeTime(store: Reader & Replacer, scope: NodeScope): Promise<number> {
  const name = names.clockJson(scope.node);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const there = await store.head(name);
    const outcome = await store.replace(name, canonicalBytes({ format: 1, ...scope }), there?.etag ?? null);
    if (outcome.replaced) return outcome.info.receivedAt;
  }
  throw contended(name);
}
