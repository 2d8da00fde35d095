import { ColdkeepError } from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/facets.ts";

/**
 * One stretch of a pack, in `memory` where the store can use it.
 * @throws ColdkeepError `integrity` where the pack is missing or ends before; what the store throws otherwise.
 */
export async function fetchRange(
  store: Reader,
  object: string,
  offset: number,
  length: number,
  memory?: Uint8Array,
): Promise<Uint8Array> {
  const bytes = await store.getRange(object, offset, length, memory);
  if (bytes !== null) return bytes;
  throw new ColdkeepError("integrity", {
    what: "a pack is missing from the vault",
    on: object,
    why: "it was deleted or renamed",
    todo: "bring it back from another copy of the vault; `coldkeep verify` lists the files it holds",
  });
}

/** The same bytes in a buffer that can be handed to another thread whole, without a copy where it owns its memory. */
export function toTransferable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength) return new Uint8Array(buffer);
  return new Uint8Array(bytes);
}
