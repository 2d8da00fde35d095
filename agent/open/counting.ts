import type { Historian, Reader } from "../../vault/store/facets.ts";
import type { Traffic } from "./types.ts";

/** A reader that counts what is asked of it. */
export function counting(store: Reader & Historian): {
  readonly store: Reader & Historian;
  readonly traffic: Traffic;
} {
  const traffic: Traffic = { bytes: 0, requests: 0 };
  return {
    traffic,
    store: {
      // Few of these are ever read, and of them only small ones.
      ...(store.history === undefined ? {} : { history: store.history }),
      head: (name) => {
        traffic.requests += 1;
        return store.head(name);
      },
      get: async (name, options) => {
        traffic.requests += 1;
        const object = await store.get(name, options);
        traffic.bytes += object?.bytes.length ?? 0;
        return object;
      },
      getRange: async (name, offset, length, memory) => {
        traffic.requests += 1;
        const bytes = await store.getRange(name, offset, length, memory);
        traffic.bytes += bytes?.length ?? 0;
        return bytes;
      },
    },
  };
}
