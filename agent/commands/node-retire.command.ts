import { defineCommand } from "./define.ts";

export interface NodeRetireFlags {
  readonly reason?: string;
  readonly undo?: boolean;
}

export const command = defineCommand<NodeRetireFlags>({
  brief: "Keep a node's snapshots as they are: nothing new comes, nothing expires",
  usage: "[--undo] [--reason <text>] [--node <name>] [--vault <name>]",
  about:
    "Says in the vault that nothing more comes of this node. From then on its snapshots stay whatever the tiers say (those in\n" +
    "their grace come back at the next `coldkeep forget` or night), nobody is told that they are late or unproven, and\n" +
    "`restore` wants the snapshot named, or the word latest. Backups of it are paused on this host; on another one, take\n" +
    "its timer off there. Each vault is told by itself.",
  examples: [
    ["node retire --reason 'host is gone'", "its snapshots stay, nothing else is asked of it"],
    ["node retire --undo", "backups and tiers go on as before"],
  ],
  flags: {
    reason: { kind: "parsed", parse: String, optional: true, placeholder: "text", brief: "Why; shown by status" },
    undo: { kind: "boolean", optional: true, withNegated: false, brief: "Take it back" },
  },
  load: async () => (await import("./node-retire.ts")).run,
});
