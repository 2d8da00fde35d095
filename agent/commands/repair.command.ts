import { defineCommand } from "./define.ts";
import { OPTIONAL_ID_PARAMETER } from "./id-parameter.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export interface RepairFlags extends IdentityFlags {
  readonly readData?: boolean;
  readonly dryRun?: boolean;
}

export const command = defineCommand<RepairFlags, [id: string | undefined]>({
  brief: "Put back what is damaged in the vault, from the node's own files",
  usage: "[<id>] [--read-data] [--dry-run] [--node <name>]",
  about:
    "Looks at every snapshot, or one, as verify --without-key does, and puts back packs and lists of packs that are missing or\n" +
    "damaged: from the version that the store kept of them, else sealed again, byte for byte, from what still opens of them\n" +
    "and from the node's own files, which may be in use meanwhile. Nothing is put that is not the very object its card\n" +
    "promises. What stays lost is told, with the snapshots and files it costs, listed as damaged, and ends in exit code 9.\n" +
    "Putting something over a damaged object takes the right to overwrite; what is missing is put by the right to create.",
  examples: [
    ["repair --dry-run", "what is missing, and what of it could be put back"],
    ["repair --read-data", "find and mend every flipped bit"],
  ],
  flags: {
    readData: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Read every pack to find damage that its size does not tell",
    },
    dryRun: { kind: "boolean", optional: true, withNegated: false, brief: "Put nothing" },
    ...IDENTITY_FLAG,
  },
  positional: OPTIONAL_ID_PARAMETER,
  load: async () => (await import("./repair.ts")).run,
});
