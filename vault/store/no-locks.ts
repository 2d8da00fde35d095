import { ColdkeepError } from "../names/index.ts";
import type { Locker, LockTeller } from "./facets.ts";

/** Of a store that protects its objects from nobody. */
export const noLocks: LockTeller & Locker = {
  lockTerms: async () => null,
  lock: async (name) => {
    throw new ColdkeepError("refused", {
      what: "this store cannot lock objects",
      on: name,
      todo: "keep the vault in a bucket with Object Lock",
    });
  },
};
