import { defineCommand } from "./define.ts";
import { positiveNumber } from "./parse.ts";
import { TICKET_KEY_FLAG, type TicketKeyFlags } from "./ticket-key-flag.ts";

export interface TicketCreateFlags extends TicketKeyFlags {
  readonly expires: string;
  readonly snapshot?: string;
  readonly minSeq?: number;
  readonly to?: string;
  readonly from?: string;
  readonly agent?: string;
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
    expires: { kind: "parsed", parse: String, placeholder: "time", brief: "How long it is good: 90m, 24h, 7d" },
    snapshot: {
      ...optional,
      parse: String,
      placeholder: "id",
      brief: "For this snapshot alone [default = all of the node]",
    },
    minSeq: { ...optional, parse: positiveNumber, placeholder: "n", brief: "For snapshots from this number on" },
    to: { ...optional, parse: String, placeholder: "path", brief: "Write it into a new file rather than print it" },
    from: { ...optional, parse: String, placeholder: "url", brief: "Where the presenter answers: https://…" },
    agent: {
      ...optional,
      parse: String,
      placeholder: "path",
      brief: "A packaged coldkeep (npm run package) for hosts that have none; it is put into the vault",
    },
    ...TICKET_KEY_FLAG,
  },
  load: async () => (await import("./ticket-create.ts")).run,
});
