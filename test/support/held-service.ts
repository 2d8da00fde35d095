import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findHolders } from "../../posix/openfiles.ts";
import { tempDir } from "./tmp.ts";

/** What kind of service a test needs: a good one, one that ignores SIGTERM, one that cannot start. */
export type Flavour = "well" | "deaf" | "broken";

/** Words for `sh -c` of a service that holds a file of `folder` while it lives; a broken one cannot even be begun. */
export function serviceScript(folder: string, flavour: Exclude<Flavour, "broken">): string {
  const trap = flavour === "deaf" ? "''" : "'exit 0'";
  return `trap ${trap} TERM; exec 9>>'${folder}/000002.log'; echo began >&9; while :; do sleep 0.05; done`;
}

/** A home with an empty `data`, and whether a process holds a file in it: known from the kernel, past any manager. */
export function heldHome() {
  const home = tempDir("service");
  const data = join(home, "data");
  mkdirSync(data);
  // By its inode, as a container has another path for it.
  const lives = () => {
    const file = statSync(join(data, "000002.log"), { throwIfNoEntry: false });
    const includes = (dev: number, ino: number) => file?.dev === dev && file.ino === ino;
    return findHolders({ roots: [data], includes }).holders.length > 0;
  };
  return {
    home,
    data,
    lives,
    async until(living: boolean): Promise<void> {
      while (lives() !== living) await sleep(10);
    },
  };
}
