import { isColdkeepError, names } from "../../vault/names/index.ts";
import { openObject } from "../../vault/sealed/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import type { PackRow, PackTable } from "./pack-table.ts";

/** Packs have 32 to 128 MiB; a larger one is not fetched just to say more precisely what is wrong with it. */
const MAX_DIAGNOSED = 160 << 20;

/**
 * Says more precisely why frames of a pack do not open: a range read sees only that they do not authenticate, the whole
 * object tells truncated, another object under this name, and damaged apart (FORMAT.md ruling 14). Returns the error to
 * report; `error` itself (which may be null) where nothing better is found.
 */
export async function explainDamage(store: Reader, packs: PackTable, pack: PackRow, error: unknown): Promise<unknown> {
  if (error !== null && !isColdkeepError(error, "integrity")) return error;
  if (pack.size > MAX_DIAGNOSED) return error;
  try {
    const object = await store.get(pack.object, { maxBytes: MAX_DIAGNOSED });
    if (object === null) return error;
    const { scope, key, index } = await packs.opening(pack);
    openObject({ scope, kind: "pack", index, name: names.packName(index), key, bytes: object.bytes });
    return error;
  } catch (better) {
    return isColdkeepError(better, "integrity") ? better : error;
  }
}
