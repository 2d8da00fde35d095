import { defineCommand } from "./define.ts";
import type { TicketListFlags } from "./ticket-list.command.ts";

export const command = defineCommand<TicketListFlags>({
  brief: "List what is published, newest first",
  usage: "[--all] [--node <name>]",
  about: "Published snapshots are shares, too: `share list` shows them with the others.",
  examples: [["publish list", "those that are good now"]],
  flags: {
    all: { kind: "boolean", optional: true, withNegated: false, brief: "Also those that have ended or were revoked" },
  },
  load: async () => (await import("./ticket-list.ts")).published,
});
