import { opendirSync } from "node:fs";
import { ColdkeepError } from "../../vault/names/index.ts";
import { type BytePath, below, fromText, toBytes } from "./byte-path.ts";
import type { Layout } from "./layout.ts";

/**
 * After a restore that went on from what was staged before: nothing but what the snapshot holds may lie in there.
 * @param expected Files, folders, hardlinks and symlinks of all roots.
 * @throws ColdkeepError `integrity`.
 */
export function assertNothingElse({ roots }: Layout, expected: number): void {
  const found = roots.reduce((sum, { staging, name }) => sum + 1 + countBelow(below(staging, fromText(name))), 0);
  if (found === expected) return;
  throw new ColdkeepError("integrity", {
    what: "what was staged is not what was to be restored",
    why: `${found} files, folders and links lie there, ${expected} belong to the snapshot: somebody changed it meanwhile`,
    todo: "nothing was put in place and the staging is removed: restore again",
  });
}

function countBelow(folder: BytePath): number {
  let count = 0;
  const open = opendirSync(toBytes(folder), { encoding: "latin1" as BufferEncoding });
  try {
    for (let entry = open.readSync(); entry !== null; entry = open.readSync()) {
      count += 1;
      if (entry.isDirectory()) count += countBelow(below(folder, entry.name));
    }
  } finally {
    open.closeSync();
  }
  return count;
}
