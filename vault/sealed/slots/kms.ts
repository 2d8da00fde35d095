import { fromBase64url, toBase64url, toHex } from "../../names/index.ts";
import { newSnapshotKey, systemRandom } from "../derive.ts";
import { kmsSlot } from "../schemas.ts";
import type { Identity, LabelledRecipient, Slot, SnapshotScope } from "../types.ts";
import { damagedSlot } from "./damaged.ts";

/** Slots of type `kms`: the snapshot key encrypted by a service, bound to vault, node and snapshot by its own means. */
const TYPE = "kms";

/** What a ciphertext is bound to; decrypting takes the very same. Not secret: it stands in the service's logs. */
export type EncryptionContext = Readonly<Record<string, string>>;

/** A key in AWS KMS. */
export interface KmsKey {
  /** `arn` is that of the key that was used, whatever alias it was asked for by. */
  encrypt(plain: Uint8Array, context: EncryptionContext): Promise<{ readonly ct: Uint8Array; readonly arn: string }>;
  /** Null where the ciphertext is another key's, another context's, or damaged: the service does not tell which. */
  decrypt(ct: Uint8Array, context: EncryptionContext): Promise<Uint8Array | null>;
  /** Whether a key's ARN is this key's, as far as the configuration tells: an alias may be any. */
  mayBe(arn: string): boolean;
}

/** Wraps snapshot keys by KMS Encrypt: the host needs no other right. */
export function kmsRecipient(key: KmsKey): LabelledRecipient {
  let arn: string | null = null;
  return {
    type: TYPE,
    async kid() {
      // An alias is resolved by whoever may only encrypt, too: by encrypting something that is nobody's key.
      arn ??= (await key.encrypt(newSnapshotKey(), { coldkeep_probe: "label" })).arn;
      return arn;
    },
    async wrap(sk, scope): Promise<Slot> {
      const made = await key.encrypt(sk, contextOf(scope));
      arn = made.arn;
      return { id: toHex(systemRandom(8)), type: TYPE, kid: arn, added: 0, ct: toBase64url(made.ct) };
    },
  };
}

/** Opens slots by KMS Decrypt under the key that is configured; the slot's own ARN is compared and never called. */
export function kmsIdentity(key: KmsKey): Identity {
  return {
    type: TYPE,
    async unwrap(slot, scope): Promise<Uint8Array | null> {
      const parsed = kmsSlot.safeParse(slot);
      if (!parsed.success) throw damagedSlot(slot, scope, "its fields are not as the format describes them");
      if (!key.mayBe(parsed.data.kid)) return null;
      return await key.decrypt(fromBase64url(parsed.data.ct) ?? new Uint8Array(0), contextOf(scope));
    },
  };
}

function contextOf({ vault, node, snapshot }: SnapshotScope): EncryptionContext {
  return { coldkeep_vault: vault, coldkeep_node: node, coldkeep_snapshot: snapshot };
}
