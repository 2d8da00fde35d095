import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../../posix/clock.ts";
import { acquireLock, type Lock } from "../../../posix/lockfile.ts";
import { isColdkeepError } from "../../names/index.ts";
import { openFolder, type VaultRoot } from "./folders.ts";
import { TEMP_FOLDER } from "./temp.ts";

/** How long to wait for others that change the same object; each needs milliseconds. */
const PATIENCE_MS = 30_000;
/** A lock of another machine that is this old was left behind: nobody holds one longer than a small write takes. */
const OPTIONS = { foreignStaleMs: 120_000 };
/** A lock, or the one under which a dead lock is broken. */
const LOCK_NAME = /^([0-9a-f]{32}\.lock)(?:\.break\.[0-9a-f]{16})?$/;

/** The lock under which an object is changed or removed. @throws ColdkeepError `busy` after half a minute. */
export async function lockName(root: VaultRoot, name: string, clock: Clock): Promise<Lock> {
  openFolder(root, [TEMP_FOLDER], true)?.close();
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 32);
  const path = join(root.path, TEMP_FOLDER, `${digest}.lock`);
  const end = clock.monotonic() + PATIENCE_MS;
  for (let pause = 2; ; pause = Math.min(pause * 2, 100)) {
    try {
      return acquireLock(path, `replacing ${name}`, OPTIONS);
    } catch (error) {
      if (!isColdkeepError(error, "busy") || !error.retryable || clock.monotonic() >= end) throw error;
    }
    await wait(pause * (0.5 + Math.random()));
  }
}

/**
 * Removes the locks that killed processes left, by taking each and giving it back: whoever holds a lock may remove what lies
 * beside it, and nobody else. One that is held stays.
 */
export function sweepLocks(root: VaultRoot): void {
  const folder = openFolder(root, [TEMP_FOLDER], false);
  if (folder === null) return;
  try {
    const names = readdirSync(folder.at("."), "latin1").map((name) => LOCK_NAME.exec(name)?.[1] ?? "");
    for (const name of new Set(names)) if (name !== "") takeAndRelease(join(root.path, TEMP_FOLDER, name));
  } finally {
    folder.close();
  }
}

function takeAndRelease(path: string): void {
  try {
    acquireLock(path, "removing what a killed process left", OPTIONS).release();
  } catch (error) {
    if (!isColdkeepError(error, "busy")) throw error;
  }
}
