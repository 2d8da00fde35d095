import { createHash, randomBytes } from "node:crypto";
import { makeSnapshotId, makeVaultId, toNodeName } from "../../vault/names/index.ts";
import type { LabelledRecipient, SnapshotScope } from "../../vault/sealed/types.ts";

/** A question that only who holds the private half can answer: 32 letters, wrapped like a snapshot key. */
export interface Challenge {
  /** base64, as `base64 -d` and then age or openssl take it. */
  readonly question: string;
  /** base64url SHA-256 of the answer. */
  readonly sha256: string;
}

/** Makes a challenge for a recipient whose private half is elsewhere. */
export async function makeChallenge(recipient: LabelledRecipient, suite: SnapshotScope["suite"]): Promise<Challenge> {
  const answer = Buffer.from(randomBytes(16).toString("hex"));
  // Slots of public keys are bound to no snapshot; the names here only fill the form.
  const scope: SnapshotScope = {
    vault: makeVaultId(new Uint8Array(16)),
    node: toNodeName("challenge"),
    snapshot: makeSnapshotId(0, new Uint8Array(8)),
    suite,
  };
  const slot = await recipient.wrap(answer, scope);
  const question = Buffer.from(String(slot.ct), "base64url").toString("base64");
  return { question, sha256: createHash("sha256").update(answer).digest("base64url") };
}
