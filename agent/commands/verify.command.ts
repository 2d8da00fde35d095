import { defineCommand } from "./define.ts";
import { OPTIONAL_ID_PARAMETER } from "./id-parameter.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export interface VerifyFlags extends IdentityFlags {
  readonly all?: boolean;
  readonly readData?: boolean;
  readonly withoutKey?: boolean;
}

export const command = defineCommand<VerifyFlags, [id: string | undefined]>({
  brief: "Prove that snapshots can be restored, without placing anything",
  usage: "[<id>] [--all] [--read-data] [--without-key] [--node <name>]",
  about:
    "Checks signature, keys, manifest and the presence of all packs. With --read-data it reads, opens and compares every\n" +
    "byte. Tells which objects are damaged and which files that costs; the exit code is then 9. --without-key\n" +
    "does what can be done where the key is not: every object is there, and (--read-data) has the bytes that were put.\n" +
    "Of each snapshot the first ten damages are shown, and how many there are; --json has all.",
  examples: [
    ["verify", "the newest good snapshot"],
    ["verify --all --read-data", "everything there is, byte by byte"],
    ["verify --all --read-data --without-key", "on another host, which has a copy of the vault and no key"],
  ],
  flags: {
    all: { kind: "boolean", optional: true, withNegated: false, brief: "Every snapshot of the node" },
    readData: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Read and open all data, not only what describes it",
    },
    ...IDENTITY_FLAG,
    withoutKey: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Use no key: signatures, presence, sizes and SHA-256 only",
    },
  },
  positional: OPTIONAL_ID_PARAMETER,
  load: async () => (await import("./verify.ts")).run,
});
