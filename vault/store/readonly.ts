import { ColdkeepError } from "../names/index.ts";
import type { Deleter, Store } from "./facets.ts";
import { inspecting } from "./retrying.ts";

/** The same store, with every change refused (kind `refused`) before it reaches it. */
export function readonly(store: Store): Store & Deleter {
  const refuse = (name: string): never => {
    throw new ColdkeepError("refused", {
      what: "the vault was opened for reading only",
      on: `${store.url}/${name}`,
      todo: "Open it for writing",
    });
  };
  return {
    url: store.url,
    head: (name) => store.head(name),
    get: (name, options) => store.get(name, options),
    getRange: (name, offset, length, memory) => store.getRange(name, offset, length, memory),
    list: (prefix) => store.list(prefix),
    ...inspecting(store),
    ...(store.history === undefined ? {} : { history: store.history }),
    lockTerms: () => store.lockTerms(),
    lock: async (name) => refuse(name),
    create: async (name) => refuse(name),
    replace: async (name) => refuse(name),
    // biome-ignore lint/correctness/useYield: an iterable that refuses when it is read, as any other call would
    delete: async function* (plan) {
      refuse(plan.objects[0]?.name ?? "");
    },
  };
}
