import { defineCommand } from "./define.ts";

export interface TicketListFlags {
  readonly all?: boolean;
}

export const command = defineCommand<TicketListFlags>({
  brief: "List tickets, newest first",
  usage: "[--all] [--node <name>]",
  about: "What is listed opens nothing: of a ticket only what it says is kept. Shares have a list of their own.",
  examples: [["ticket list", "those that are good now"]],
  flags: {
    all: { kind: "boolean", optional: true, withNegated: false, brief: "Also those that have ended or were revoked" },
  },
  load: async () => (await import("./ticket-list.ts")).tickets,
});
