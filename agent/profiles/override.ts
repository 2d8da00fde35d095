import { ColdkeepError, compileGlobs } from "../../vault/names/index.ts";
import type { CaptureSet, FileRule, FolderView, Profile } from "./types.ts";

/** Globs of the configuration over paths below a root; they win over what the profile says. */
export interface ProfileOverrides {
  readonly immutable?: readonly string[];
  readonly append_only?: readonly string[];
  readonly exclude?: readonly string[];
  readonly secret?: readonly string[];
}

const WHY = "excluded by the configuration";
const NOT_WANTED = "a chain that the configuration does not name";

/**
 * The profile with globs on top. Where two of them match one file: exclude before append_only before immutable, since
 * each is safe where the next one is; secret goes with any.
 * @param chains those that are captured; none given means all
 * @throws ColdkeepError `config` for a glob that means nothing, and for chains of a system that has none.
 */
export function override(profile: Profile, globs: ProfileOverrides, chains: readonly string[] = []): CaptureSet {
  const isOtherChain = otherChains(profile, chains);
  const isExcluded = compileGlobs(globs.exclude ?? [], "config");
  const isAppendOnly = compileGlobs(globs.append_only ?? [], "config");
  const isImmutable = compileGlobs(globs.immutable ?? [], "config");
  const isSecret = compileGlobs(globs.secret ?? [], "config");

  // One object for all files of a kind: a folder may have a million.
  const made = new Map<string, FileRule>();
  function ruleOf(path: string, known: FileRule): FileRule {
    const mutability = isExcluded(path)
      ? "omitted"
      : isAppendOnly(path)
        ? "append-only"
        : isImmutable(path)
          ? "immutable"
          : known.mutability;
    const secret = isSecret(path) || known.secret === true;
    const why = mutability !== "omitted" ? undefined : isExcluded(path) ? WHY : known.why;
    const key = `${mutability} ${secret} ${why}`;
    const rule = made.get(key) ?? { mutability, ...(secret ? { secret } : {}), ...(why === undefined ? {} : { why }) };
    made.set(key, rule);
    return rule;
  }

  return {
    name: profile.name,
    ...(profile.namesLast === true ? { namesLast: true } : {}),
    omitFolder: (path) => (isExcluded(path) ? WHY : isOtherChain(path) ? NOT_WANTED : profile.omitFolder(path)),
    classify(folder: FolderView) {
      const rules = profile.classify(folder);
      return folder.files.map((name, i) =>
        ruleOf(folder.path === "" ? name : `${folder.path}/${name}`, rules[i] ?? { mutability: "mutable" }),
      );
    },
  };
}

function otherChains({ name, chains: rule }: Profile, wanted: readonly string[]): (path: string) => boolean {
  if (wanted.length === 0) return () => false;
  if (rule === undefined) {
    throw new ColdkeepError("config", {
      what: "chains are named, but this profile knows none",
      on: name,
      todo: "leave out chains, or exclude what is not wanted",
    });
  }
  const folders = new Set(wanted.map((chain) => rule.folderOf(chain)));
  return (path) => rule.isFolder(path) && !folders.has(path);
}
