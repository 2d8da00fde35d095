import { defineCommand } from "./define.ts";
import { ID_PARAMETER } from "./id-parameter.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";
import { TICKET_KEY_FLAG, type TicketKeyFlags } from "./ticket-key-flag.ts";

export interface ShareFlags extends TicketKeyFlags, IdentityFlags {
  readonly expires: string;
  readonly includeSecrets?: boolean;
  readonly to?: string;
  readonly from?: string;
  readonly agent?: string;
}

const optional = { kind: "parsed", optional: true } as const;

const SHARE_FLAGS = {
  expires: { kind: "parsed", parse: String, placeholder: "time", brief: "How long it is good: 24h, 7d" },
  includeSecrets: {
    kind: "boolean",
    optional: true,
    withNegated: false,
    brief: "Give secret files, too: the node's own keys and identity",
  },
  from: { ...optional, parse: String, placeholder: "url", brief: "Where the presenter answers: https://…" },
  agent: {
    ...optional,
    parse: String,
    placeholder: "path",
    brief: "A packaged coldkeep (npm run package) for hosts that have none; it is put into the vault",
  },
  ...IDENTITY_FLAG,
  ...TICKET_KEY_FLAG,
} as const;

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
    ...SHARE_FLAGS,
    to: { ...optional, parse: String, placeholder: "path", brief: "Write it into a new file rather than print it" },
  },
  positional: ID_PARAMETER,
  load: async () => (await import("./share-create.ts")).run,
});
