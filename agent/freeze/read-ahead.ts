import { prefetch } from "../../posix/prefetch.ts";
import type { PathInfo } from "../../posix/stat.ts";
import { unusedMemory } from "../../posix/unused-memory.ts";
import { type Latin1, toBytes } from "./bytes.ts";
import { allocated } from "./space.ts";

/** Asks for what will have to be copied, so that the disk has read it before the node waits for it. */
export type ReadAhead = (path: Latin1, info: PathInfo) => void;

/** So much may push out of memory what the running node reads: little beside what it has. Bytes. */
const LEAST = 128 << 20;
/** Of memory in which nothing lies: there it pushes out nothing. */
const SHARE = 0.5;

export function makeReadAhead(unused: number = unusedMemory()): ReadAhead {
  const most = Math.max(LEAST, unused * SHARE);
  let asked = 0;
  return (path, info) => {
    const bytes = allocated(info);
    if (bytes === 0 || asked + bytes > most) return;
    asked += bytes;
    prefetch(toBytes(path), 0, info.size);
  };
}
