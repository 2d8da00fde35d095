import { defineCommand } from "./define.ts";
import { ID_PARAMETER } from "./id-parameter.ts";

export const command = defineCommand<object, [id: string]>({
  brief: "Show what is known of one snapshot",
  usage: "<id> [--node <name>]",
  about: "Reads the vault's index and the snapshot's card; needs no key.",
  examples: [
    ["show latest", "the newest good one"],
    ["show 20260115T000000Z-bh1200-0123456789abcdef", "one by its id; a beginning that fits one only is enough"],
  ],
  flags: {},
  positional: ID_PARAMETER,
  load: async () => (await import("./show.ts")).run,
});
