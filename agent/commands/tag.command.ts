import { defineCommand } from "./define.ts";
import { ID_PARAMETER } from "./id-parameter.ts";
import { tagName } from "./parse.ts";

export interface TagFlags {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

export const command = defineCommand<TagFlags, [string]>({
  brief: "Change a snapshot's tags",
  usage: "<id> [--add <tag>]... [--remove <tag>]... [--node <name>]",
  about:
    "The snapshot's card never changes: a further record beside it holds its tags from now on. `keep_tags` in the tiers\n" +
    "goes by them. Needs no key.",
  examples: [
    ["tag latest --add before-upgrade", "the newest good snapshot gets a tag"],
    ["tag latest --remove before-upgrade", "and loses it again"],
  ],
  flags: {
    add: {
      kind: "parsed",
      parse: tagName,
      variadic: true,
      optional: true,
      placeholder: "tag",
      brief: "Add this tag; may be given several times",
    },
    remove: {
      kind: "parsed",
      parse: tagName,
      variadic: true,
      optional: true,
      placeholder: "tag",
      brief: "Remove this tag; may be given several times",
    },
  },
  positional: ID_PARAMETER,
  load: async () => (await import("./tag.ts")).run,
});
