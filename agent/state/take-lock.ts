import { join } from "node:path";
import { TEMP_LABEL } from "../../posix/durable.ts";
import { acquireLock, type Lock } from "../../posix/lockfile.ts";
import { sweepLeft } from "../../posix/maker.ts";

/**
 * Takes a lock in a folder of the state, and removes what killed runs were about to write there.
 * @throws ColdkeepError `busy` naming who holds it.
 */
export function takeLock(folder: string, file: "lock" | "restore.lock", label: string): Lock {
  const lock = acquireLock(join(folder, file), label);
  sweepLeft(folder, TEMP_LABEL);
  return lock;
}
