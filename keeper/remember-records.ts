import { names } from "../vault/names/index.ts";
import type { Reader, StoredObject } from "../vault/store/facets.ts";

/** Bytes of records that are kept. */
const MOST = 64 << 20;
const RECORD = /\/packs-\d{4}\.json$/;

/**
 * The same store; small records that several snapshots share are read once a job: cards, key files, pack lists, and that
 * some of them are not there. What is least recently asked for is forgotten first.
 */
export function rememberRecords<Store extends Reader>(store: Store): Store {
  const kept = new Map<string, StoredObject | null>();
  let bytes = 0;
  const weigh = (object: StoredObject | null | undefined) => 1024 + (object?.bytes.length ?? 0);
  return {
    ...store,
    get: async (name, options) => {
      if (!isRecord(name)) return store.get(name, options);
      const known = kept.get(name);
      // One that is larger than is allowed here fails in the store's own words.
      const fits = known === null || (known?.bytes.length ?? 0) <= (options?.maxBytes ?? Number.POSITIVE_INFINITY);
      const object = known !== undefined && fits ? known : await store.get(name, options);
      if (kept.delete(name)) bytes -= weigh(known);
      kept.set(name, object);
      bytes += weigh(object);
      for (const [oldest, one] of kept) {
        if (bytes <= MOST) break;
        kept.delete(oldest);
        bytes -= weigh(one);
      }
      return object;
    },
  };
}

function isRecord(name: string): boolean {
  return name.endsWith(names.CARD_SUFFIX) || name.endsWith(`/${names.KEY_NAME}`) || RECORD.test(name);
}
