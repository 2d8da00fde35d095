import { KMSClient, KMSInvalidMacException, VerifyMacCommand } from "@aws-sdk/client-kms";
import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import type { TicketChecker } from "../../vault/ticket/index.ts";

const LIMIT_MS = 5_000;
/** A ticket is asked about once in this time; a page more needs no further call. Milliseconds. */
const KNOWN_MS = 60_000;
const MAX_KNOWN = 1000;

/**
 * Checks tickets by a key in KMS that never leaves it: the function has the right to verify and none to sign. Signatures
 * that were found right are remembered for a minute; wrong ones are not, and cost whoever sends them a call each.
 */
export function kmsChecker(KeyId: string, clock: { monotonic(): number }): TicketChecker {
  const client = new KMSClient({ maxAttempts: 3 });
  const known = new Map<string, number>();
  return {
    check: async (Message, Mac) => {
      const name = `${Buffer.from(Mac).toString("base64")}${Buffer.from(Message).toString("base64")}`;
      if ((known.get(name) ?? Number.NEGATIVE_INFINITY) > clock.monotonic()) return true;
      try {
        const abortSignal = AbortSignal.timeout(LIMIT_MS);
        await client.send(new VerifyMacCommand({ KeyId, MacAlgorithm: "HMAC_SHA_256", Message, Mac }), { abortSignal });
      } catch (error) {
        if (error instanceof KMSInvalidMacException) return false;
        throw new ColdkeepError("vault", {
          what: "AWS KMS did not check the ticket",
          on: KeyId,
          why: messageOf(error),
          todo: "the function's role needs kms:VerifyMac, and the key is to be enabled",
          retryable: true,
          cause: error,
        });
      }
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(name, clock.monotonic() + KNOWN_MS);
      return true;
    },
  };
}
