import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fromSystemError } from "../../posix/system-error.ts";
import { isSnapshotId, type SnapshotId } from "../../vault/names/index.ts";
import { makePrivateFolder } from "./private.ts";

/** Folder of one run's local files; made on demand, 0700. */
export function runFolder(nodeFolder: string, id: SnapshotId): string {
  return join(nodeFolder, "runs", id);
}

/** Makes the folder of a new run. */
export function makeRun(nodeFolder: string, id: SnapshotId): string {
  const folder = runFolder(nodeFolder, id);
  makePrivateFolder(join(nodeFolder, "runs"));
  makePrivateFolder(folder);
  return folder;
}

/** The runs there are, in the order of their names; anything else lying there is left alone. */
export function listRuns(nodeFolder: string): SnapshotId[] {
  const folder = join(nodeFolder, "runs");
  makePrivateFolder(folder);
  try {
    return readdirSync(folder).filter(isSnapshotId).sort();
  } catch (error) {
    throw fromSystemError(error, { what: "cannot list the local runs", on: folder, otherwise: "internal" });
  }
}

/** Forgets a run; what it put into the vault stays. */
export function removeRun(nodeFolder: string, id: SnapshotId): void {
  const folder = runFolder(nodeFolder, id);
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    throw fromSystemError(error, { what: "cannot remove a run's local files", on: folder, otherwise: "internal" });
  }
}
