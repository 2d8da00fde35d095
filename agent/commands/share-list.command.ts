import { defineCommand } from "./define.ts";
import type { TicketListFlags } from "./ticket-list.command.ts";

export const command = defineCommand<TicketListFlags>({
  brief: "List shares, newest first",
  usage: "[--all] [--node <name>]",
  about: "What is listed opens nothing.",
  examples: [["share list", "those that are good now"]],
  flags: {
    all: { kind: "boolean", optional: true, withNegated: false, brief: "Also those that have ended or were revoked" },
  },
  load: async () => (await import("./ticket-list.ts")).shares,
});
