import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { showPath } from "../../posix/system-error.ts";
import type { SuiteName } from "../../vault/card/types.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { readPrivateFile, writePrivateFile } from "./private.ts";

const LENGTH = 32;

/**
 * The key of the node's chunk ids under one suite, 32 bytes; made at first use. Losing it costs one full base: the ids
 * of old chunks are then unknown, while every snapshot stays readable, for its manifest carries the key.
 * @throws ColdkeepError `key` where the file does not hold 32 bytes, `permission`, `no-space`.
 */
export function chunkKeyOf(folder: string, suite: SuiteName): Uint8Array {
  const path = pathOf(folder, suite);
  const found = readPrivateFile(path, LENGTH + 1);
  if (found === null) {
    const made = randomBytes(LENGTH);
    writePrivateFile(path, made);
    return new Uint8Array(made);
  }
  if (found.length === LENGTH) return new Uint8Array(found);
  throw new ColdkeepError("key", {
    what: "cannot use the key of the chunk ids",
    on: showPath(path),
    why: `it has ${found.length} bytes, ${LENGTH} are allowed`,
    todo: "remove the file; the next backup then stores everything anew",
  });
}

export function hasChunkKey(folder: string, suite: SuiteName): boolean {
  return readPrivateFile(pathOf(folder, suite), LENGTH + 1) !== null;
}

function pathOf(folder: string, suite: SuiteName): string {
  return join(folder, `chunk-${suite}.key`);
}
