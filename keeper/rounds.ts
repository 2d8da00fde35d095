import type { ObjectInfo, Reader } from "../vault/store/facets.ts";

/**
 * The last of the words that were said one after the other, each under a name with the next number; 0 where nothing was
 * said. Walks up the numbers, since there are few. Where one of them is lost, what was said after it still holds.
 * @param most bounds the walk: whoever puts such names can put many
 */
export async function lastRound(
  store: Reader,
  nameOf: (round: number) => string,
  most: number,
): Promise<{ readonly round: number; readonly info: ObjectInfo | null }> {
  let last: { readonly round: number; readonly info: ObjectInfo | null } = { round: 0, info: null };
  for (let round = 1; round <= Math.min(most, last.round + 2); round += 1) {
    const info = await store.head(nameOf(round));
    if (info !== null) last = { round, info };
  }
  return last;
}
