import { defineCommand } from "./define.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export interface CatFlags extends IdentityFlags {
  readonly binary?: boolean;
}

export const command = defineCommand<CatFlags, [target: string]>({
  brief: "Print one file of a snapshot",
  usage: "<id>:<path> [--node <name>] > <file>",
  about:
    "Writes the bytes of one file to stdout, each piece authenticated and compared with its id before it is written. Where it\n" +
    "ends with another code than 0 what was written is not all of the file. Something that is not text is not written to a\n" +
    "terminal. With --json only errors are JSON.",
  examples: [
    ["cat latest:data/CURRENT", "a file of the newest good snapshot"],
    ["cat latest:data/CURRENT > CURRENT", "into a file"],
  ],
  flags: {
    binary: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Write to a terminal what is not text, too",
    },
    ...IDENTITY_FLAG,
  },
  positional: {
    kind: "tuple",
    parameters: [
      {
        parse: String,
        placeholder: "id:path",
        brief: "Id of the snapshot, its beginning, or latest; a colon; and the file's path as `coldkeep ls` prints it",
      },
    ],
  },
  load: async () => (await import("./cat.ts")).run,
});
