import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { acquireLock, type Lock } from "../../../posix/lockfile.ts";
import { isColdkeepError } from "../../../vault/names/index.ts";

/** Where servers for tests are installed once: outside the clone, so that a fresh clone finds them. */
export function cacheFolder(): string {
  const folder = process.env.COLDKEEP_TEST_CACHE ?? join(homedir(), ".cache", "coldkeep-test");
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Waits until nobody else installs the same thing. */
export async function lockInstall(folder: string, label: string): Promise<Lock> {
  for (;;) {
    try {
      return acquireLock(`${folder}.lock`, label);
    } catch (error) {
      if (!isColdkeepError(error, "busy")) throw error;
    }
    await sleep(200);
  }
}
