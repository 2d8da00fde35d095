import type { Config, NodeSettings } from "../config/index.ts";
import { type LoadedKey, makeChallenge } from "../keys/index.ts";
import { openNodeState } from "../state/index.ts";
import { suiteOf } from "./opened.ts";

/** A key whose private half is elsewhere, and whether anybody has shown that it opens. */
export interface PublicKey {
  readonly key: LoadedKey;
  /** `age 0123456789abcdef`, or `rsa 0123456789abcdef sha1`. */
  readonly label: string;
  readonly question: string;
  readonly sha256: string;
  readonly proven?: number;
}

/**
 * The configured keys that this host cannot try itself, each with the challenge that proves it. A recipient nobody ever
 * opened anything with is found wrong on the worst of days.
 */
export async function publicKeys(config: Config, node: NodeSettings, keys: readonly LoadedKey[]): Promise<PublicKey[]> {
  const suite = suiteOf(config);
  const found: PublicKey[] = [];
  for (const key of keys.filter(({ identity }) => identity === null)) {
    const { recipients } = openNodeState(config.stateDir, node.name);
    const recipient = key.toRecipient(() => {
      throw new RangeError("a public key is not stretched");
    });
    // By another hash the private half has something else to show: some tokens know SHA-1 alone.
    const by = key.oaepHash === "sha1" ? " sha1" : "";
    const label = `${recipient.type} ${await recipient.kid(suite)}${by}`;
    const known = recipients.get(label);
    // A key in a token that wraps and never unwraps can be asked nothing.
    if (known === null && recipient.type === "pkcs11") continue;
    const record = known ?? (await makeChallenge(recipient, suite));
    if (known === null) recipients.set(label, record);
    found.push({ key, label, ...record });
  }
  return found;
}
