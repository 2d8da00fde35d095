import { Decrypter, Encrypter } from "age-encryption";
import type { SuiteName } from "../../card/types.ts";
import { fromBase64url, messageOf, toBase64url, toHex } from "../../names/index.ts";
import { systemRandom } from "../derive.ts";
import { ageSlot } from "../schemas.ts";
import { suiteOf } from "../suites.ts";
import type { Identity, LabelledRecipient, Slot } from "../types.ts";
import { damagedSlot } from "./damaged.ts";

/** Slots of type `age`: the snapshot key as a whole age file (age-encryption.org/v1), which any age tool opens. */
const TYPE = "age";
/** What the library says where no identity fits; every other failure is damage. */
const FOREIGN = "no identity matched any of the file's recipients";

/**
 * Wraps snapshot keys for an age recipient. Anybody can do that: such a slot says nothing about who made it.
 * @param recipient `age1…`. @throws Error where it is none.
 */
export function ageRecipient(recipient: string): LabelledRecipient {
  new Encrypter().addRecipient(recipient);
  const kid = async (suite: SuiteName) => labelOf(recipient, suite);
  return {
    type: TYPE,
    kid,
    async wrap(sk, scope): Promise<Slot> {
      const file = new Encrypter();
      file.addRecipient(recipient);
      const ct = toBase64url(await file.encrypt(sk));
      return { id: toHex(systemRandom(8)), type: TYPE, kid: await kid(scope.suite), added: 0, ct };
    },
  };
}

/**
 * Opens slots of an age recipient. `identities` are `AGE-SECRET-KEY-1…`, as many as a file of them holds.
 * @throws Error where one is none; its message may hold it, and must be shown to nobody.
 */
export function ageIdentity(identities: readonly string[]): Identity {
  const file = new Decrypter();
  for (const identity of identities) file.addIdentity(identity);
  return {
    type: TYPE,
    async unwrap(slot, scope): Promise<Uint8Array | null> {
      const parsed = ageSlot.safeParse(slot);
      if (!parsed.success) throw damagedSlot(slot, scope, "its fields are not as the format describes them");
      try {
        return await file.decrypt(fromBase64url(parsed.data.ct) ?? new Uint8Array(0));
      } catch (error) {
        if (messageOf(error) === FOREIGN) return null;
        throw damagedSlot(slot, scope, `its age file cannot be read: ${messageOf(error)}`);
      }
    },
  };
}

function labelOf(recipient: string, suite: SuiteName): string {
  return toHex(suiteOf(suite).hash(Buffer.from(recipient)).subarray(0, 8));
}
