import { ColdkeepError } from "../../vault/names/index.ts";
import { files } from "./files.ts";
import { leveldb } from "./leveldb.ts";
import { override, type ProfileOverrides } from "./override.ts";
import type { Profile } from "./types.ts";

export type { ProfileOverrides } from "./override.ts";
export type { FileRule, FolderView, Mutability, Profile } from "./types.ts";

const PROFILES: readonly Profile[] = [files, leveldb];

/** The names `profileOf` takes. */
export function profileNames(): string[] {
  return PROFILES.map(({ name }) => name);
}

/**
 * What is known of a system's files, with the configuration's globs on top.
 * @throws ColdkeepError `config` for an unknown name or a glob that means nothing.
 */
export function profileOf(name: string, globs: ProfileOverrides = {}): Profile {
  const profile = PROFILES.find((known) => known.name === name);
  if (profile !== undefined) return override(profile, globs);
  throw new ColdkeepError("config", {
    what: "there is no such profile",
    on: JSON.stringify(name),
    why: `known are ${profileNames().join(", ")}`,
  });
}
