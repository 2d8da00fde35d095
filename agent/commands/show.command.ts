import { defineCommand } from "./define.ts";
import { ID_PARAMETER } from "./id-parameter.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export interface ShowFlags extends IdentityFlags {
  readonly blocks?: boolean;
}

export const command = defineCommand<ShowFlags, [id: string]>({
  brief: "Show what is known of one snapshot",
  usage: "<id> [--blocks] [--node <name>]",
  about: "Reads the vault's index and the snapshot's card; needs no key, but for --blocks.",
  examples: [
    ["show latest", "the newest good one"],
    ["show latest --blocks", "which of its files hold which blocks (ChainMaker's .fdb files)"],
    ["show 20260115T000000Z-bh1200-0123456789abcdef", "one by its id; a beginning that fits one only is enough"],
  ],
  flags: {
    blocks: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Which file holds which heights, where the system names its files so; opens the list of files",
    },
    ...IDENTITY_FLAG,
  },
  positional: ID_PARAMETER,
  load: async () => (await import("./show.ts")).run,
});
