import { join } from "node:path";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { Config } from "../config/index.ts";
import { loadTicketMac, type TicketMac } from "../keys/index.ts";
import type { Call } from "./define.ts";
import { pickVault } from "./session.ts";
import { TICKET_KEY_VARIABLE, type TicketKeyFlags } from "./ticket-key-flag.ts";

/**
 * The key of tickets. A vault in S3 has its presenter in AWS, where no file of this host is at hand.
 * @throws ColdkeepError `usage`, `key`, `permission`.
 */
export async function ticketMacOf(
  config: Config,
  { flags, io }: Call<TicketKeyFlags>,
  use: "make" | "serve",
): Promise<TicketMac> {
  const said = flags.ticketKey ?? io.env[TICKET_KEY_VARIABLE];
  if (said !== undefined && said !== "")
    return loadTicketMac(said.startsWith("arn:") ? `kms:${said}` : said, { create: false });
  const { url } = pickVault(config, flags.vault);
  if (use === "make" && url.startsWith("s3:")) {
    throw new ColdkeepError("usage", {
      what: "what is to sign the ticket?",
      on: url,
      why: "a vault in S3 has a key in AWS KMS for it; the stack's outputs name it",
      todo: `give --ticket-key kms:KEY, or set ${TICKET_KEY_VARIABLE}; for \`coldkeep serve\` a file does, too`,
    });
  }
  return loadTicketMac(join(config.stateDir, "tickets", "key"), { create: true });
}
