import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import type { TicketMac, TicketMacOptions } from "./ticket-mac.ts";

const ARN = /^arn:[^:]+:kms:([^:]+):/;
const ALGORITHM = "HMAC_SHA_256";
const LIMIT_MS = 40_000;

/** An HMAC_256 key in KMS, which it never leaves. Whoever makes tickets needs kms:GenerateMac alone. */
export async function kmsTicketMac(KeyId: string, o: TicketMacOptions): Promise<TicketMac> {
  const sdk = await import("@aws-sdk/client-kms");
  const region = o.region ?? ARN.exec(KeyId)?.[1];
  const client = new sdk.KMSClient({
    maxAttempts: 4,
    ...(region === undefined ? {} : { region }),
    ...(o.endpoint === undefined ? {} : { endpoint: o.endpoint }),
  });
  const limit = () => ({ abortSignal: AbortSignal.timeout(LIMIT_MS) });
  return {
    sign: async (Message) => {
      try {
        const { Mac } = await client.send(
          new sdk.GenerateMacCommand({ KeyId, MacAlgorithm: ALGORITHM, Message }),
          limit(),
        );
        if (Mac === undefined) throw new Error("an answer without its MAC");
        return Mac;
      } catch (error) {
        throw kmsError("AWS KMS did not sign the ticket", "kms:GenerateMac", KeyId, error);
      }
    },
    check: async (Message, Mac) => {
      try {
        await client.send(new sdk.VerifyMacCommand({ KeyId, MacAlgorithm: ALGORITHM, Message, Mac }), limit());
        return true;
      } catch (error) {
        if (error instanceof sdk.KMSInvalidMacException) return false;
        throw kmsError("AWS KMS did not check the ticket", "kms:VerifyMac", KeyId, error);
      }
    },
  };
}

function kmsError(what: string, right: string, on: string, error: unknown): ColdkeepError {
  const denied = error instanceof Error && error.name === "AccessDeniedException";
  return new ColdkeepError(denied ? "permission" : "key", {
    what,
    on,
    why: messageOf(error),
    todo: denied
      ? `let this role do ${right} with the key`
      : "the key is to be of spec HMAC_256, enabled, and in this Region",
    cause: error,
  });
}
