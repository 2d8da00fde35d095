import { join } from "node:path";
import { isSnapshotId, type SnapshotId } from "../../vault/names/index.ts";
import { damaged, readState, writeState } from "./json.ts";

const NAME = "parent.json";
const LOST = "remove the file; the next backup looks for its parent in the vault";

/** The newest snapshot of this host that the vault called good; null where none is known. */
export function readParent(folder: string): SnapshotId | null {
  const path = join(folder, NAME);
  const snapshot = readState(path, LOST)?.snapshot;
  if (snapshot === undefined) return null;
  if (typeof snapshot === "string" && isSnapshotId(snapshot)) return snapshot;
  throw damaged(path, '"snapshot" is no snapshot id', LOST);
}

/** Only ever called with a snapshot that head.json names as good. */
export function writeParent(folder: string, snapshot: SnapshotId): void {
  writeState(join(folder, NAME), { snapshot });
}
