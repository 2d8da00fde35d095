import { defineCommand } from "./define.ts";
import { ISSUE_FLAGS, type IssueFlags, TO_FLAG } from "./issue-flags.ts";
import { positiveNumber } from "./parse.ts";

export interface TicketCreateFlags extends IssueFlags {
  readonly snapshot?: string;
  readonly minSeq?: number;
  readonly to?: string;
}

const optional = { kind: "parsed", optional: true } as const;

export const command = defineCommand<TicketCreateFlags>({
  brief: "Make a ticket: a permission to restore one node, for a time",
  usage: "--expires <time> [--snapshot <id>] [--to <path>] [--from <url>] [--node <name>]",
  about:
    "Whoever has the ticket can fetch the node's snapshots through a presenter, without any other credentials, until it\n" +
    "ends or is revoked. It opens nothing: that takes one of the node's keys. With --from the line is printed that restores\n" +
    "on a host without coldkeep: it compares what it downloads with digests that were made here.",
  examples: [
    ["ticket create --expires 24h", "printed; whoever reads it has it"],
    ["ticket create --expires 24h --to icon.ticket", "into a new file that only its owner can read"],
  ],
  flags: {
    ...ISSUE_FLAGS,
    snapshot: {
      ...optional,
      parse: String,
      placeholder: "id",
      brief: "For this snapshot alone [default = all of the node]",
    },
    minSeq: { ...optional, parse: positiveNumber, placeholder: "n", brief: "For snapshots from this number on" },
    to: TO_FLAG,
  },
  load: async () => (await import("./ticket-create.ts")).run,
});
