import { join } from "node:path";
import type { NodeName } from "../../vault/names/index.ts";
import { damaged, readState, writeState } from "./json.ts";
import { makePrivateFolder } from "./private.ts";

/** How the last restore or drill here went: bytes fetched, and milliseconds from its first byte to its last sync. */
export interface RestoreSpeed {
  readonly bytes: number;
  readonly ms: number;
}

const NAME = "restore-speed.json";
const LOST = "remove the file; how long a restore takes is foretold again after the next one";
/** Of less nothing can be foretold. Bytes. */
const LEAST = 1 << 20;

/** @param place where it was fetched from: a vault's name, or a presenter's URL. @throws ColdkeepError `integrity`. */
export function restoreSpeed(stateDir: string, node: NodeName, place: string): RestoreSpeed | null {
  const path = join(stateDir, node, NAME);
  const found = readState(path, LOST)?.[place];
  if (found === undefined) return null;
  const { bytes, ms } = (typeof found === "object" && found !== null ? found : {}) as Record<string, unknown>;
  if (typeof bytes === "number" && typeof ms === "number" && bytes > 0 && ms > 0) return { bytes, ms };
  throw damaged(path, `"${place}" is no speed`, LOST);
}

/** Remembers it; a restore of next to nothing teaches nothing, and is not remembered. */
export function noteRestoreSpeed(stateDir: string, node: NodeName, place: string, speed: RestoreSpeed): void {
  if (speed.bytes < LEAST || speed.ms <= 0) return;
  const folder = join(stateDir, node);
  makePrivateFolder(folder);
  const path = join(folder, NAME);
  writeState(path, { ...readState(path, LOST), [place]: { bytes: speed.bytes, ms: speed.ms } });
}
