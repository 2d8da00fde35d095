import type { FlagParametersForType } from "@stricli/core";

export interface TicketKeyFlags {
  readonly ticketKey?: string;
}

/** Where the key of tickets is told from the environment. */
export const TICKET_KEY_VARIABLE = "COLDKEEP_TICKET_KEY";

export const TICKET_KEY_FLAG: FlagParametersForType<TicketKeyFlags> = {
  ticketKey: {
    kind: "parsed",
    parse: ticketKeyPlace,
    optional: true,
    placeholder: "key",
    brief: `What signs tickets: kms:KEY or /path; default: ${TICKET_KEY_VARIABLE}, else a file in the state directory, made when needed`,
  },
};

function ticketKeyPlace(text: string): string {
  if (/^(kms:.|\/.)/.test(text)) return text;
  throw new SyntaxError("kms:KEY or the absolute path of a file is expected, never the key itself");
}
