import { defineCommand } from "./define.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export interface LsFlags extends IdentityFlags {
  readonly long?: boolean;
  readonly recursive?: boolean;
}

const off = { kind: "boolean", optional: true, withNegated: false } as const;

export const command = defineCommand<LsFlags, [target: string | undefined]>({
  brief: "List the files of a snapshot",
  usage: "[<id>[:<path>]] [-l] [-R] [--node <name>]",
  about:
    "Opens the snapshot's list of files with the key and shows what lies in it: the roots, or what is in the folder named.\n" +
    "Fetches none of the files' content. What no terminal can show stands as \\xNN, which paths given to coldkeep may hold,\n" +
    "too; --json has paths as they are, those that are no UTF-8 as base64url in path_raw.",
  examples: [
    ["ls latest", "the roots of the newest good snapshot"],
    ["ls -l latest:data", "what lies in a folder, with modes, owners (numbers), sizes and times (UTC)"],
    ["ls -R latest --json", "everything, for a script"],
  ],
  flags: {
    long: { ...off, brief: "One line each with mode, owner, group, size and mtime" },
    recursive: { ...off, brief: "All that lies below, too" },
    ...IDENTITY_FLAG,
  },
  aliases: { l: "long", R: "recursive" },
  positional: {
    kind: "tuple",
    parameters: [
      {
        parse: String,
        optional: true,
        placeholder: "id[:path]",
        brief: "Id of the snapshot, its beginning, or latest (default); and a path in it",
      },
    ],
  },
  load: async () => (await import("./ls.ts")).run,
});
