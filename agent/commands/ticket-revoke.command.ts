import { defineCommand } from "./define.ts";

export const command = defineCommand<object, [string]>({
  brief: "Revoke a ticket: within a minute no presenter takes it",
  usage: "<ticket id>",
  about: "URLs that were given out before are good for a quarter of an hour at most.",
  examples: [["ticket revoke 7Qm0c2VhcmNoIGZvciBpdA", "the one that `ticket list` shows under this id"]],
  flags: {},
  positional: {
    kind: "tuple",
    parameters: [{ parse: ticketId, placeholder: "ticket id", brief: "As `ticket list` and `share list` show it" }],
  },
  load: async () => (await import("./ticket-revoke.ts")).run,
});

/** The 16 bytes that name a ticket; a whole ticket is refused, and not repeated: it is a secret. */
export function ticketId(text: string): string {
  if (/^[A-Za-z0-9_-]{21}[AQgw]$/.test(text)) return text;
  throw new SyntaxError("the 22 letters of an id are expected, not the ticket itself");
}
