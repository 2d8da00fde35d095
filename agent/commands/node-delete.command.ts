import { defineCommand } from "./define.ts";

export interface NodeDeleteFlags {
  readonly confirm?: string;
}

export const command = defineCommand<NodeDeleteFlags>({
  brief: "Delete a retired node for good: its keys first, then the rest",
  usage: "[--confirm <name>] [--node <name>] [--vault <name>]",
  about:
    "Without --confirm it says what would go, and until when what is locked. With the node's name as --confirm all versions\n" +
    "of every key file go first, and of what shares opened: from then on nobody opens a snapshot of it, whoever kept its\n" +
    "packs. Then all else goes, but the node's own record, that it was deleted, and the plans of what went. Locked versions\n" +
    "stay until their lock ends: run it again then; a run that was cut off goes on the same way. It is refused unless the\n" +
    "node is retired, while a snapshot is pinned, and while a backup or a restore may be under way. Other vaults are not\n" +
    "touched. Takes the right to delete versions, which no host and no operator of the stack in AWS has by itself.",
  examples: [
    ["node delete --node icon", "what would go"],
    ["node delete --node icon --confirm icon", "delete it"],
  ],
  flags: {
    confirm: {
      kind: "parsed",
      parse: String,
      optional: true,
      placeholder: "name",
      brief: "The node's name once more: all of its snapshots are lost",
    },
  },
  load: async () => (await import("./node-delete.ts")).run,
});
