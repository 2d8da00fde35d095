import { join } from "node:path";
import type { FlagParametersForType } from "@stricli/core";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { Config } from "../config/index.ts";
import { loadTicketMac, type TicketMac } from "../keys/index.ts";
import type { Call } from "./define.ts";
import { pickVault } from "./session.ts";

export interface TicketKeyFlags {
  readonly ticketKey?: string;
}

/** Where the key of tickets is told from the environment. */
const VARIABLE = "COLDKEEP_TICKET_KEY";

export const TICKET_KEY_FLAG: FlagParametersForType<TicketKeyFlags> = {
  ticketKey: {
    kind: "parsed",
    parse: ticketKeyPlace,
    optional: true,
    placeholder: "key",
    brief: `What signs tickets: kms:KEY or /path; default: ${VARIABLE}, else a file in the state directory, made when needed`,
  },
};

function ticketKeyPlace(text: string): string {
  if (/^(kms:.|\/.)/.test(text)) return text;
  throw new SyntaxError("kms:KEY or the absolute path of a file is expected, never the key itself");
}

/**
 * The key of tickets. A vault in S3 has its presenter in AWS, where no file of this host is at hand.
 * @throws ColdkeepError `usage`, `key`, `permission`.
 */
export async function ticketMacOf(
  config: Config,
  { flags, io }: Call<TicketKeyFlags>,
  use: "make" | "serve",
): Promise<TicketMac> {
  const said = flags.ticketKey ?? io.env[VARIABLE];
  if (said !== undefined && said !== "")
    return loadTicketMac(said.startsWith("arn:") ? `kms:${said}` : said, { create: false });
  const { url } = pickVault(config, flags.vault);
  if (use === "make" && url.startsWith("s3:")) {
    throw new ColdkeepError("usage", {
      what: "what is to sign the ticket?",
      on: url,
      why: "a vault in S3 has a key in AWS KMS for it; the stack's outputs name it",
      todo: `give --ticket-key kms:KEY, or set ${VARIABLE}; for \`coldkeep serve\` a file does, too`,
    });
  }
  return loadTicketMac(join(config.stateDir, "tickets", "key"), { create: true });
}
