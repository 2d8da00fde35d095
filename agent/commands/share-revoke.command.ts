import { defineCommand } from "./define.ts";
import { ticketId } from "./ticket-revoke.command.ts";

export const command = defineCommand<object, [string]>({
  brief: "Revoke a share: within a minute no presenter gives anything for it",
  usage: "<share id>",
  about: "What was downloaded by then stays readable to whoever has the token.",
  examples: [["share revoke 7Qm0c2VhcmNoIGZvciBpdA", "the one that `share list` shows under this id"]],
  flags: {},
  positional: {
    kind: "tuple",
    parameters: [{ parse: ticketId, placeholder: "share id", brief: "As `share list` shows it" }],
  },
  load: async () => (await import("./ticket-revoke.ts")).run,
});
