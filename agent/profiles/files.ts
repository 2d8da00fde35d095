import { makeProfile } from "./make.ts";

/** Any folder of files, of which nothing is known: all of it is copied or reflinked while the node is down. */
export const files = makeProfile({
  name: "files",
  summary: "any files; all are copied while the node is down, unless globs say which never change",
  about:
    "Any folder of files, of which nothing is known. What is known of them can be said in the configuration: `immutable`, " +
    "`append_only`, `exclude` and `secret` are lists of globs over paths below the roots, and win over the profile.",
  rules: [],
  folders: [],
  stopping: [
    "The node is down while all that is neither `immutable` nor `append_only` is copied, where the file system has no reflinks.",
  ],
  height: null,
  identity: [
    {
      what: "keys and identities, wherever they lie",
      rule: "captured like any file; name them under `secret`, so that they lie apart and no share holds them, or under `exclude`",
    },
  ],
  place: [],
  after: ["Look whether what reads these files takes them as they are."],
  discover: (look, roots) =>
    roots.some(({ path }) => (look.list(path)?.length ?? 0) > 0)
      ? { found: "files", version: null, elsewhere: [] }
      : null,
});
