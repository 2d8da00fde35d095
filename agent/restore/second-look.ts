import type { SelectedEntry } from "./selection.ts";

type Batches = AsyncIterable<readonly SelectedEntry[]>;

/** So many entries are kept in memory; where there are more, the list of files is read again. */
const MOST = 20_000;

/**
 * Lets entries pass, and keeps those that are no files: folders and links come a second time when all files are there,
 * and reading a long list takes longer than making what is in it.
 */
export interface SecondLook {
  /** The entries as they come, once. */
  readonly first: Batches;
  /** What is no file, in order; after `first` has come to its end. */
  again(): Batches;
}

/** @param walk All entries, as often as they are asked for. */
export function makeSecondLook(walk: () => Batches): SecondLook {
  const kept: SelectedEntry[] = [];
  let all = true;
  async function* first() {
    for await (const batch of walk()) {
      const others = batch.filter(({ entry }) => entry.type !== "file");
      if (kept.length + others.length > MOST) all = false;
      if (all) kept.push(...others);
      else kept.length = 0;
      yield batch;
    }
  }
  async function* again() {
    yield kept;
  }
  return { first: first(), again: () => (all ? again() : walk()) };
}
