import type { FlagParametersForType } from "@stricli/core";
import { TICKET_KEY_FLAG, type TicketKeyFlags } from "./ticket-key-flag.ts";

/** What tickets and shares have in common. */
export interface IssueFlags extends TicketKeyFlags {
  readonly expires: string;
  readonly from?: string;
  readonly agent?: string;
}

const optional = { kind: "parsed", optional: true } as const;

export const ISSUE_FLAGS: FlagParametersForType<IssueFlags> = {
  expires: { kind: "parsed", parse: String, placeholder: "time", brief: "How long it is good: 90m, 24h, 7d" },
  from: { ...optional, parse: String, placeholder: "url", brief: "Where the presenter answers: https://…" },
  agent: {
    ...optional,
    parse: String,
    placeholder: "path",
    brief: "A packaged coldkeep (npm run package) for hosts that have none; it is put into the vault",
  },
  ...TICKET_KEY_FLAG,
};

export const TO_FLAG = {
  ...optional,
  parse: String,
  placeholder: "path",
  brief: "Write it into a new file rather than print it",
} as const;
