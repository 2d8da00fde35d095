import { defineCommand } from "./define.ts";
import { ID_PARAMETER } from "./id-parameter.ts";

export interface PinFlags {
  readonly reason?: string;
}

export const command = defineCommand<PinFlags, [string]>({
  brief: "Keep a snapshot until it is unpinned, whatever the tiers say",
  usage: "<id> [--reason <text>] [--node <name>]",
  about:
    "A record beside the snapshot's card says so; the card itself never changes. One that is expired already comes back\n" +
    "with the next `coldkeep forget --apply`, unless its deletion has begun. Needs no key.",
  examples: [["pin latest --reason 'before the upgrade'", "the newest good snapshot"]],
  flags: {
    reason: {
      kind: "parsed",
      parse: String,
      optional: true,
      placeholder: "text",
      brief: "Why, shown by `coldkeep show`",
    },
  },
  positional: ID_PARAMETER,
  load: async () => (await import("./pin.ts")).pin,
});
