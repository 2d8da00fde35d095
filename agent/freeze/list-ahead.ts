import { access } from "node:fs";
import type { Clock } from "../../posix/clock.ts";
import { below, type Latin1, toBytes } from "./bytes.ts";
import { list } from "./look.ts";

/** Reads folders one after the other, and where the disk is slow to answer, asks it for the next ones meanwhile. */
export interface Lister {
  readonly list: typeof list;
  /** The folders of these names in it will be listed soon. */
  expect(folder: Latin1, names: readonly Latin1[]): void;
}

const NOWHERE = ".coldkeep-nowhere";
/** A folder that is in memory takes less; milliseconds. */
const SLOW_MS = 0.06;
/** Folders asked for at once. */
const MOST = 512;

/**
 * A cold disk answers several questions in the time of one, but a walk asks one at a time. What is asked ahead is then in
 * the kernel's memory.
 */
export function makeLister(clock: Clock): Lister {
  let usual = 0;
  let asked = 0;
  return {
    list(...folder) {
      const from = clock.monotonic();
      list(...folder);
      usual += (clock.monotonic() - from - usual) / 4;
    },
    expect(folder, names) {
      if (usual < SLOW_MS) return;
      for (const name of names) {
        if (asked >= MOST) return;
        asked += 1;
        // To find out that a name is not there, the kernel reads what the walk will want: of a small folder all, of a
        // large one not all its names at once.
        access(toBytes(below(folder, below(name, NOWHERE))), () => {
          asked -= 1;
        });
      }
    },
  };
}
