import { defineCommand } from "./define.ts";
import { ID_PARAMETER } from "./id-parameter.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";
import { ISSUE_FLAGS, type IssueFlags, TO_FLAG } from "./issue-flags.ts";

export interface ShareFlags extends IssueFlags, IdentityFlags {
  readonly includeSecrets?: boolean;
  readonly to?: string;
}

export const command = defineCommand<ShareFlags, [string]>({
  brief: "Make a share token: one snapshot, with what opens it, for somebody without any key",
  usage: "<id> --expires <time> [--include-secrets] [--to <path>] [--from <url>] [--node <name>]",
  about:
    "Whoever has the token can restore this one snapshot through a presenter, while the vault stays encrypted. It opens each\n" +
    "pack that the snapshot uses, whole, and so what older snapshots have in the same packs. Revoking it ends downloads; what\n" +
    "was fetched by then stays readable. Files that are called secret are left out.",
  examples: [
    ["share latest --expires 7d", "printed; whoever reads it has it"],
    ["share latest --expires 7d --to icon.share", "into a new file that only its owner can read"],
  ],
  flags: {
    ...ISSUE_FLAGS,
    includeSecrets: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Give secret files, too: the node's own keys and identity",
    },
    ...IDENTITY_FLAG,
    to: TO_FLAG,
  },
  positional: ID_PARAMETER,
  load: async () => (await import("./share-create.ts")).run,
});
