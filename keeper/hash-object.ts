import { createHash } from "node:crypto";
import { toHex } from "../vault/names/index.ts";
import type { Reader } from "../vault/store/facets.ts";

const SLICE = 4 << 20;

/**
 * The SHA-256 of the first `size` bytes of an object, read in slices, one ahead of the hashing; null where it is gone.
 * @throws what the store throws, `integrity` where the object ends earlier.
 */
export async function hashObject(
  store: Reader,
  name: string,
  size: number,
  onRead: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<string | null> {
  const hash = createHash("sha256");
  const read = (offset: number) => store.getRange(name, offset, Math.min(SLICE, size - offset));
  let coming = read(0);
  for (let offset = 0; ; ) {
    const slice = await coming;
    signal?.throwIfAborted();
    if (slice === null) return null;
    offset += slice.length;
    const more = offset < size;
    if (more) {
      coming = read(offset);
      // Should hashing throw meanwhile, this read's own failure must not go unheard as a stray rejection.
      coming.catch(() => {});
    }
    hash.update(slice);
    onRead(slice.length);
    if (!more) return toHex(hash.digest());
  }
}
