import { ColdkeepError } from "../../vault/names/index.ts";
import { files } from "./files.ts";
import { icon } from "./icon.ts";
import { leveldb } from "./leveldb.ts";
import { override, type ProfileOverrides } from "./override.ts";
import { ovn } from "./ovn.ts";
import { rocksdb } from "./rocksdb.ts";
import type { CaptureSet, Finding, Look, Profile, RootView } from "./types.ts";

export type { ProfileOverrides } from "./override.ts";
export type * from "./types.ts";

const PROFILES: readonly Profile[] = [files, icon, leveldb, ovn, rocksdb];

/** The names `profileOf` takes. */
export function profileNames(): string[] {
  return PROFILES.map(({ name }) => name);
}

/** All there are, in the order of their names. */
export function allProfiles(): readonly Profile[] {
  return PROFILES;
}

/** What is known of a system. @throws ColdkeepError `config` for an unknown name. */
export function profileOf(name: string): Profile {
  const profile = PROFILES.find((known) => known.name === name);
  if (profile !== undefined) return profile;
  throw new ColdkeepError("config", {
    what: "there is no such profile",
    on: JSON.stringify(name),
    why: `known are ${profileNames().join(", ")}`,
  });
}

/**
 * What is captured of a system's files, with the configuration's globs on top.
 * @throws ColdkeepError `config` for an unknown name or a glob that means nothing.
 */
export function captureSetOf(name: string, globs: ProfileOverrides = {}): CaptureSet {
  return override(profileOf(name), globs);
}

/** What lies in these folders, the profile that knows most of it first; `files` takes anything, and comes last. */
export function discoverAll(
  look: Look,
  roots: readonly RootView[],
): readonly { readonly profile: Profile; readonly finding: Finding }[] {
  return [...PROFILES.filter((profile) => profile !== files), files].flatMap((profile) => {
    const finding = profile.discover(look, roots);
    return finding === null ? [] : [{ profile, finding }];
  });
}
