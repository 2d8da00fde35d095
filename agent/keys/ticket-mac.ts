import { randomBytes } from "node:crypto";
import { showPath } from "../../posix/system-error.ts";
import { ColdkeepError, isColdkeepError } from "../../vault/names/index.ts";
import { localTicketMac, type TicketChecker, type TicketSigner } from "../../vault/ticket/index.ts";
import { writeKey } from "./generate.ts";
import { readSecretFile } from "./secret-file.ts";

/** What makes and checks the signatures of tickets. */
export type TicketMac = TicketSigner & TicketChecker;

export interface TicketMacOptions {
  /** Makes the file where there is none. */
  readonly create: boolean;
  readonly region?: string;
  readonly endpoint?: string;
}

/**
 * The key of tickets: `kms:KEY`, an HMAC_256 key in AWS KMS, or the path of a file with 32 random bytes in base64url.
 * @throws ColdkeepError `key`, `permission`; nothing in it tells anything of the key.
 */
export async function loadTicketMac(place: string, o: TicketMacOptions): Promise<TicketMac> {
  if (place.startsWith("kms:")) return (await import("./ticket-kms.ts")).kmsTicketMac(place.slice("kms:".length), o);
  if (o.create) makeFile(place);
  const text = readSecretFile(place, { noun: "ticket key", maxBytes: 128 });
  const key = Buffer.from(text.toString("latin1").trim(), "base64url");
  text.fill(0);
  if (key.length === 32) return localTicketMac(key);
  throw new ColdkeepError("key", {
    what: "cannot use the ticket key",
    on: showPath(place),
    why: `it holds ${key.length} bytes, 32 in base64url are expected`,
    todo: "remove the file to have a new one made; tickets made with it end with it",
  });
}

function makeFile(path: string): void {
  try {
    writeKey(path, `${randomBytes(32).toString("base64url")}\n`);
  } catch (error) {
    // It is there, as it mostly is.
    if (!isColdkeepError(error, "refused")) throw error;
  }
}
