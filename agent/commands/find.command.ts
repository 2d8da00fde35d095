import { defineCommand } from "./define.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";
import { positiveNumber } from "./parse.ts";

export interface FindFlags extends IdentityFlags {
  readonly snapshot?: readonly string[];
  readonly limit?: number;
  readonly long?: boolean;
}

const optional = { kind: "parsed", optional: true } as const;

export const command = defineCommand<FindFlags, [pattern: string]>({
  brief: "Find files in snapshots",
  usage: "<pattern> [--snapshot <id>]... [--limit <count>] [-l] [--node <name>]",
  about:
    "Looks through the lists of files of all snapshots that are neither broken nor expired, newest first. Patterns are those of\n" +
    "`restore --include`: *.ldb is a name at any depth, data/**/CURRENT a path from the root on; what lies below a folder that\n" +
    "matches, matches, too. A snapshot that cannot be opened is told, and the exit code says so, but the rest is searched.",
  examples: [
    ["find CURRENT", "a name, in all snapshots"],
    ['find "data/**/*.log" --snapshot latest -l', "in one of them, with sizes and times"],
  ],
  flags: {
    snapshot: {
      ...optional,
      parse: String,
      variadic: true,
      placeholder: "id",
      brief: "Only in this one: an id, its beginning, or latest; may be given several times",
    },
    limit: {
      ...optional,
      parse: positiveNumber,
      placeholder: "count",
      brief: "Only in the newest so many [default = all]",
    },
    long: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "One line each with mode, owner, group, size and mtime",
    },
    ...IDENTITY_FLAG,
  },
  aliases: { l: "long", n: "limit" },
  positional: {
    kind: "tuple",
    parameters: [{ parse: String, placeholder: "pattern", brief: "A glob over names, or over paths from the root on" }],
  },
  load: async () => (await import("./find.ts")).run,
});
