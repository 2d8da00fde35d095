import { defineCommand } from "./define.ts";
import { positiveNumber } from "./parse.ts";

export interface ListFlags {
  readonly limit?: number;
}

export const command = defineCommand<ListFlags>({
  brief: "List a node's snapshots, newest first",
  usage: "[--node <name>] [--limit <count>]",
  about:
    "Reads the vault's index; needs no key. TIME is when the vault received the snapshot, by the vault's clock, in UTC.",
  examples: [
    ["list", "all snapshots of the only node"],
    ["list --limit 1 --json", "the newest one, for a script"],
  ],
  flags: {
    limit: {
      kind: "parsed",
      parse: positiveNumber,
      optional: true,
      placeholder: "count",
      brief: "At most so many [default = all]",
    },
  },
  aliases: { n: "limit" },
  load: async () => (await import("./list.ts")).run,
});
