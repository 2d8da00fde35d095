import { fsync, fsyncSync } from "node:fs";
import { promisify } from "node:util";
import { fromSystemError } from "../../../posix/system-error.ts";
import type { ColdkeepError } from "../../names/index.ts";

/** May take long and so must not block the main thread. For files that go where it fails: what is put anew is a new file. */
export const fsyncLater = promisify(fsync);

/**
 * An fsync of what stays where it fails: a folder, or a file that has its name. After a failure Linux counts what was lost as
 * clean, and the next fsync succeeds without having written it: so no such failure passes by itself, nobody tries again.
 * @throws ColdkeepError `no-space`, `permission`, else `vault`; never one that may be tried again.
 */
export async function fsyncForGood(fd: number, on: string): Promise<void> {
  try {
    await fsyncLater(fd);
  } catch (error) {
    throw unsynced(error, on);
  }
}

/** The same at once, for those who cannot wait. */
export function fsyncForGoodSync(fd: number, on: string): void {
  try {
    fsyncSync(fd);
  } catch (error) {
    throw unsynced(error, on);
  }
}

function unsynced(error: unknown, on: string): ColdkeepError {
  return fromSystemError(error, { what: "cannot make durable what was changed", on, otherwise: "vault" });
}
