import { keyIdentity, keyRecipient, newStretch, type Stretch } from "../../vault/sealed/index.ts";
import type { Identity, Recipient, SnapshotScope } from "../../vault/sealed/types.ts";
import type { KeySource } from "./types.ts";

/** Fresh public stretching parameters; kept in the node's state, one set a key. */
export function makeStretch(suite: SnapshotScope["suite"]): Stretch {
  return newStretch(suite);
}

/** What wraps snapshot keys under this key. Stretching (128 MiB, some 0.4 s) happens at the first use. */
export function toRecipient(source: KeySource, options: { readonly stretch: Stretch }): Recipient {
  return keyRecipient({ source: source.bytes, stretch: options.stretch });
}

/** What opens the slots of this key. */
export function toIdentity(source: KeySource): Identity {
  return keyIdentity(source.bytes);
}
