import { join } from "node:path";
import type { SuiteName } from "../../vault/card/types.ts";
import { damaged, readState, writeState } from "./json.ts";

/** Public parameters of a key's stretching, flat: `{kdf, salt, n, r, p}` or `{kdf, salt, iterations}` (docs/FORMAT.md). */
export type StoredStretch = Readonly<Record<string, string | number>>;

const NAME = "stretch.json";
const LOST = "remove the file; new snapshots then get a new salt and old ones keep theirs";

/**
 * The stretch of one key source, made by `make` at first use: one salt a key, so that a thousand snapshots cost whoever
 * holds the key one stretching. `label` names the source ("string", "/etc/coldkeep/key") and is no secret.
 */
export function stretchOf<T extends StoredStretch>(folder: string, label: string, suite: SuiteName, make: () => T): T {
  const path = join(folder, NAME);
  const all = readState(path, LOST) ?? {};
  const key = `${suite} ${label}`;
  const found = Object.hasOwn(all, key) ? all[key] : undefined;
  if (found === undefined) {
    const made = make();
    writeState(path, { ...all, [key]: made });
    return made;
  }
  if (isStretch(found)) return found as T;
  throw damaged(path, `the entry ${JSON.stringify(key)} is no set of stretching parameters`, LOST);
}

function isStretch(value: unknown): value is StoredStretch {
  if (typeof value !== "object" || value === null || !("kdf" in value && "salt" in value)) return false;
  return Object.values(value).every((v) => typeof v === "string" || Number.isSafeInteger(v));
}
