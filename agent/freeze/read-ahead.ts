import type { BigIntStats } from "node:fs";
import { prefetch } from "../../posix/prefetch.ts";
import { type Latin1, toBytes } from "./bytes.ts";
import { allocated } from "./space.ts";

/** Asks for what will have to be copied, so that the disk has read it before the node waits for it. */
export type ReadAhead = (path: Latin1, info: BigIntStats) => void;

/** More than this would push out of memory what the running node reads. Bytes. */
const MOST = 128n << 20n;

export function makeReadAhead(): ReadAhead {
  let asked = 0n;
  return (path, info) => {
    const bytes = allocated(info);
    if (bytes === 0n || asked + bytes > MOST) return;
    asked += bytes;
    prefetch(toBytes(path), 0, Number(info.size));
  };
}
