import type { FileRule, FolderView, Profile } from "./types.ts";

const MUTABLE: FileRule = { mutability: "mutable" };

/** Any folder of files, of which nothing is known: all of it is copied or reflinked while the node is down. */
export const files: Profile = {
  name: "files",
  summary: "any files; all are copied while the node is down, unless globs say which never change",
  omitFolder: () => null,
  classify: (folder: FolderView) => folder.files.map(() => MUTABLE),
};
