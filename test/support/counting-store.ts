import type { Store } from "../../vault/store/facets.ts";

/** The same store; every call is told before it is made, as S3 would see it. */
export function countingStore<S extends Store>(store: S, note: (call: string) => void): S {
  return {
    ...store,
    head: (name) => {
      note(`HEAD ${name}`);
      return store.head(name);
    },
    get: (name, options) => {
      note(`GET ${name}`);
      return store.get(name, options);
    },
    create: (name, body) => {
      note(`PUT ${name}`);
      return store.create(name, body);
    },
    replace: (name, bytes, expected) => {
      note(`PUT ${name}`);
      return store.replace(name, bytes, expected);
    },
    list: (prefix) => {
      note(`LIST ${prefix}`);
      return store.list(prefix);
    },
  };
}
