import { prefetch } from "../../posix/prefetch.ts";
import type { PathInfo } from "../../posix/stat.ts";
import { type Latin1, toBytes } from "./bytes.ts";
import { allocated } from "./space.ts";

/** Asks for what will have to be copied, so that the disk has read it before the node waits for it. */
export type ReadAhead = (path: Latin1, info: PathInfo) => void;

/** More than this would push out of memory what the running node reads. Bytes. */
const MOST = 128 << 20;

export function makeReadAhead(): ReadAhead {
  let asked = 0;
  return (path, info) => {
    const bytes = allocated(info);
    if (bytes === 0 || asked + bytes > MOST) return;
    asked += bytes;
    prefetch(toBytes(path), 0, info.size);
  };
}
