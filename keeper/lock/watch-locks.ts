import type { Lister, ObjectInfo, Reader } from "../../vault/store/facets.ts";

/** What was seen of an object's lock. */
export interface FirstToEnd {
  readonly object: string;
  /** Milliseconds since the epoch; 0 for one that is not locked. */
  readonly until: number;
}

export interface WatchedLocks<Store> {
  /** The same store; the locks of what is looked at are noted on the way. */
  readonly store: Store;
  /** Of these objects, as far as they were looked at, the one whose lock ends first. */
  firstToEnd(names: Iterable<string>): FirstToEnd | null;
}

/** Notes locks while something else is looked for: S3 tells of them in the same answer. */
export function watchLocks<Store extends Reader & Lister>(store: Store): WatchedLocks<Store> {
  const seen = new Map<string, number>();
  const note = (name: string, info: ObjectInfo | undefined) => {
    if (info !== undefined) seen.set(name, info.lockedUntil ?? 0);
  };
  return {
    store: {
      ...store,
      head: async (name) => {
        const info = await store.head(name);
        note(name, info ?? undefined);
        return info;
      },
      get: async (name, options) => {
        const object = await store.get(name, options);
        note(name, object?.info);
        return object;
      },
    },
    firstToEnd: (names) => {
      let first: FirstToEnd | null = null;
      for (const object of names) {
        const until = seen.get(object);
        if (until !== undefined && (first === null || until < first.until)) first = { object, until };
      }
      return first;
    },
  };
}
