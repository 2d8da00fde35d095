import { FileGroups } from "./file-groups.ts";
import { holds, knownBy, makeInodes, onceStopped, whileRunning } from "./freeze-files.ts";
import type { Finished, Freezer } from "./freezer.ts";
import type { FrozenPlace } from "./frozen-place.ts";
import { makeInodeSet } from "./inode-set.ts";
import { makeReadAhead } from "./read-ahead.ts";
import { addCounts } from "./records.ts";
import { makeCopyNeeds } from "./space.ts";

/** Freezes file by file: hard links for what is never rewritten, reflinks or copies for the rest. */
export function fileFreezer(places: readonly FrozenPlace[]): Freezer {
  let finished: Finished | null = null;
  const twice = makeInodes(places, makeInodeSet);
  return {
    places,
    first: (inodes, needs, known) => whileRunning(inodes, needs, makeReadAhead(), knownBy(known), twice),
    // Linked where that will do, and known to the proof.
    later: (inodes) => whileRunning(inodes, makeCopyNeeds(), null),
    ready: async () => {},
    async freeze({ pass, inodes, options }, fresh, known) {
      const groups = new FileGroups((inode) => holds(twice, inode));
      const handle = onceStopped(inodes, fresh, groups, knownBy(known), known === options.known);
      const { walk, counts } = await pass(handle, { settled: true, again: true });
      for (const place of places) place.flush();
      finished = { places, walk, groups, counts: addCounts(counts, groups.end()) };
    },
    async finish() {
      if (finished === null) throw new Error("nothing was frozen");
      return finished;
    },
  };
}
