import type { CreateOutcome, Creator } from "../vault/store/facets.ts";
import { hashed } from "../vault/store/hashed.ts";

/** Puts a small record under a name that may be taken. */
export function createRecord(store: Creator, name: string, bytes: Uint8Array): Promise<CreateOutcome> {
  return store.create(name, hashed(bytes));
}
