/** Keeps what was last asked for, up to a weight: what it forgot is found out again. */
export interface Recent<Key, Value> {
  get(key: Key): Value | undefined;
  /** @param weight of this one, in the unit of `most` */
  set(key: Key, value: Value, weight: number): void;
}

/** @param most Weight that is kept; the newest is kept in any case. */
export function makeRecent<Key, Value>(most: number): Recent<Key, Value> {
  const kept = new Map<Key, { readonly value: Value; readonly weight: number }>();
  let held = 0;
  return {
    get: (key) => {
      const found = kept.get(key);
      if (found === undefined) return undefined;
      kept.delete(key);
      kept.set(key, found);
      return found.value;
    },
    set: (key, value, weight) => {
      held += weight - (kept.get(key)?.weight ?? 0);
      kept.delete(key);
      kept.set(key, { value, weight });
      for (const [oldest, one] of kept) {
        if (held <= most || kept.size === 1) break;
        kept.delete(oldest);
        held -= one.weight;
      }
    },
  };
}
