import type { Reader, Replacer } from "../../vault/store/facets.ts";

/** The words an object holds. */
export async function tokens(store: Reader, name: string): Promise<string[]> {
  const object = await store.get(name);
  if (object === null) throw new Error(`${name} is not there`);
  return Buffer.from(object.bytes).toString().split(" ").filter(Boolean);
}

/** Adds words to an object one by one: read, add, replace; start over where somebody was faster. Idempotent. */
export async function addTokens(store: Reader & Replacer, name: string, added: readonly string[]): Promise<void> {
  for (const token of added) while (!(await addToken(store, name, token)));
}

async function addToken(store: Reader & Replacer, name: string, token: string): Promise<boolean> {
  const object = await store.get(name);
  if (object === null) throw new Error(`${name} is not there`);
  const there = Buffer.from(object.bytes).toString().split(" ").filter(Boolean);
  if (there.includes(token)) return true;
  const bytes = Buffer.from([...there, token].join(" "));
  return (await store.replace(name, bytes, object.info.etag)).replaced;
}
