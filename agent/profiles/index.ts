import { ColdkeepError } from "../../vault/names/index.ts";
import { badger } from "./badger.ts";
import { chainmaker } from "./chainmaker.ts";
import { couchdb } from "./couchdb.ts";
import { fabricOrderer } from "./fabric-orderer.ts";
import { fabricPeer } from "./fabric-peer.ts";
import { files } from "./files.ts";
import { goloop } from "./goloop.ts";
import { icon } from "./icon.ts";
import { kafka } from "./kafka.ts";
import { leveldb } from "./leveldb.ts";
import { override, type ProfileOverrides } from "./override.ts";
import { ovn } from "./ovn.ts";
import { rocksdb } from "./rocksdb.ts";
import type { CaptureSet, Finding, FolderRule, Look, Profile, RootView } from "./types.ts";
import { zookeeper } from "./zookeeper.ts";

export type { ProfileOverrides } from "./override.ts";
export type * from "./types.ts";

const PROFILES: readonly Profile[] = [
  badger,
  chainmaker,
  couchdb,
  fabricOrderer,
  fabricPeer,
  files,
  goloop,
  icon,
  kafka,
  leveldb,
  ovn,
  rocksdb,
  zookeeper,
];

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

export interface CaptureOptions {
  /** Without what the node makes anew. */
  readonly lean?: boolean;
  /** Those that are captured, where a system has several; none given means all. */
  readonly chains?: readonly string[];
}

/**
 * What is captured of a system's files, with the configuration's globs on top.
 * @throws ColdkeepError `config` for an unknown name, a glob that means nothing, chains of a system that has none, or where
 *   nothing can be made anew.
 */
export function captureSetOf(
  name: string,
  globs: ProfileOverrides = {},
  { lean = false, chains = [] }: CaptureOptions = {},
): CaptureSet {
  const profile = profileOf(name);
  if (!lean) return override(profile, globs, chains);
  if (profile.lean !== undefined) return override(makeLean(profile, profile.lean), globs, chains);
  throw new ColdkeepError("config", {
    what: "lean: true means nothing here",
    on: `profile ${name}`,
    why: "it knows of no folder that the node makes anew",
    todo: "leave it out, or name what is not needed under exclude",
  });
}

function makeLean(profile: Profile, left: readonly FolderRule[]): Profile {
  return {
    ...profile,
    omitFolder: (path) => profile.omitFolder(path) ?? left.find(({ matches }) => matches(path))?.why ?? null,
  };
}

/** Databases that systems are made of: what a system's own profile knows, they know less of. */
const ENGINES: readonly Profile[] = [badger, leveldb, rocksdb];

/** What lies in these folders, the profile that knows most of it first; `files` takes anything, and comes last. */
export function discoverAll(
  look: Look,
  roots: readonly RootView[],
): readonly { readonly profile: Profile; readonly finding: Finding }[] {
  const systems = PROFILES.filter((profile) => profile !== files && !ENGINES.includes(profile));
  return [...systems, ...ENGINES, files].flatMap((profile) => {
    const finding = profile.discover(look, roots);
    return finding === null ? [] : [{ profile, finding }];
  });
}
