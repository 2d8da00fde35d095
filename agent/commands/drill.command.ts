import { defineCommand } from "./define.ts";
import { OPTIONAL_ID_PARAMETER } from "./id-parameter.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export interface DrillFlags extends IdentityFlags {
  readonly in?: string;
  readonly keep?: boolean;
}

export const command = defineCommand<DrillFlags, [id: string | undefined]>({
  brief: "Prove that a snapshot can be restored",
  usage: "[<id>] [--in <path>] [--node <name>]",
  about:
    "Restores the latest snapshot into a scratch folder, every byte checked, runs `drill: check` of the configuration on it,\n" +
    "which may open the data with the system's own reader, writes a proof into the vault, and removes the folder again. `list`,\n" +
    "`show` and `status` tell of the proof, and `status` of its absence. The running node is not touched. Where the snapshot\n" +
    "does not stand the drill there is no proof, and an exit code: 21 where the check refused it.",
  examples: [
    ["drill", "the newest good snapshot"],
    ["drill latest --in /srv/scratch --json", "where there is room for it, for a script"],
  ],
  flags: {
    in: {
      kind: "parsed",
      parse: String,
      optional: true,
      placeholder: "path",
      brief: "Folder for the scratch folder [default = the configuration's, else the state directory]",
    },
    keep: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Leave the restored data there, to be looked at",
    },
    ...IDENTITY_FLAG,
  },
  positional: OPTIONAL_ID_PARAMETER,
  load: async () => {
    const [{ noticed }, { run }] = await Promise.all([import("./noticed.ts"), import("./drill.ts")]);
    return noticed("drill", run);
  },
});
