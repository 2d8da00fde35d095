import type { ObjectInfo, PutReceipt } from "./facets.ts";

/** For stores and their wrappers only: a receipt says that the store has the object, durably. */
export function makeReceipt(name: string, info: ObjectInfo): PutReceipt {
  return { name, size: info.size, info } as PutReceipt;
}
