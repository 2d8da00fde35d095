import { defineCommand } from "./define.ts";
import { ID_PARAMETER } from "./id-parameter.ts";

export const command = defineCommand<object, [string]>({
  brief: "Let the tiers decide about a pinned snapshot again",
  usage: "<id> [--node <name>]",
  about: "A further record beside the snapshot's card takes the pin away. Needs no key.",
  examples: [["unpin latest", "the newest good snapshot"]],
  flags: {},
  positional: ID_PARAMETER,
  load: async () => (await import("./pin.ts")).unpin,
});
