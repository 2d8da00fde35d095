import type { FileRule, FolderView, Profile } from "./types.ts";

const MUTABLE: FileRule = { mutability: "mutable" };

/** A profile from its data: what its rules say is what is captured. */
export function makeProfile(data: Omit<Profile, "omitFolder" | "classify">): Profile {
  const { rules, folders } = data;
  // One object for all files of a rule: a folder may have a million.
  const made = rules.map(
    ({ mutability, secret, why }): FileRule => ({
      mutability,
      ...(secret === true ? { secret } : {}),
      ...(mutability === "omitted" ? { why } : {}),
    }),
  );
  return {
    ...data,
    omitFolder: (path) => folders.find(({ matches }) => matches(path))?.why ?? null,
    classify(folder: FolderView) {
      const tests = rules.map((rule) => rule.of(folder));
      return folder.files.map((name) => made[tests.findIndex((test) => test(name))] ?? MUTABLE);
    },
  };
}
