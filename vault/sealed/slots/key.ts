import type { SuiteName } from "../../card/types.ts";
import { fromBase64url, toBase64url, toHex } from "../../names/index.ts";
import { lengthPrefixed } from "../bytes.ts";
import { scopeBytes, systemRandom } from "../derive.ts";
import { keySlot } from "../schemas.ts";
import { type AeadKey, NONCE_BYTES, suiteOf, TAG_BYTES } from "../suites.ts";
import type { Identity, LabelledRecipient, RandomSource, Slot, SnapshotScope } from "../types.ts";
import { damagedSlot } from "./damaged.ts";
import { type Stretch, stretchKey } from "./stretch.ts";

export { newStretch, type Stretch, stretchKey } from "./stretch.ts";

/** Slots of type `key`: the software keys, given as a string, as hex or in a file. */
const TYPE = "key";
const SALT_BYTES = 32;
const SK_BYTES = 32;
const NO_AAD = new Uint8Array(0);

/**
 * Wraps snapshot keys under a software key. Stretches at the first `wrap` and keeps the result, so that wrapping again
 * costs nothing.
 * @param o.source The key's bytes as configured.
 */
export function keyRecipient(o: {
  readonly source: Uint8Array;
  readonly stretch: Stretch;
  readonly random?: RandomSource;
}): LabelledRecipient {
  const { stretch, random = systemRandom } = o;
  const { kekOf, forget } = stretchOnce(o.source);
  return {
    type: TYPE,
    kid: async (suite) => kidOf(suite, await kekOf(suite, stretch)),
    prepare(suite) {
      kekOf(suite, stretch).catch(() => {});
    },
    async wrap(sk, scope): Promise<Slot> {
      const kek = await kekOf(scope.suite, stretch);
      const id = toHex(random(8));
      const salt = random(SALT_BYTES);
      const { key, nonce } = slotKey(kek, salt, scope);
      const ct = new Uint8Array(SK_BYTES + TAG_BYTES);
      suiteOf(scope.suite).sealInto(key, nonce, NO_AAD, sk, ct, 0);
      const kid = kidOf(scope.suite, kek);
      return { id, type: TYPE, kid, added: 0, stretch, salt: toBase64url(salt), ct: toBase64url(ct) };
    },
    forget,
  };
}

/**
 * Opens slots of a software key; keeps what it stretched, so that many slots of one key cost one stretching.
 * @param o.generated The key is random bits that coldkeep made: its slots are not stretched, and those of all others are.
 */
export function keyIdentity(source: Uint8Array, { generated = false } = {}): Identity {
  const { kekOf, forget } = stretchOnce(source);
  return {
    type: TYPE,
    async unwrap(slot, scope): Promise<Uint8Array | null> {
      if (slot.type !== TYPE) return null;
      const parsed = keySlot.safeParse(slot);
      if (!parsed.success) throw damagedSlot(slot, scope, "its fields are not as the format describes them");
      const { kid, stretch, salt, ct } = parsed.data;
      // A slot has no say in whether a password is stretched.
      if ((stretch.kdf === "none") !== generated) return null;
      const kek = await kekOf(scope.suite, stretch);
      if (kidOf(scope.suite, kek) !== kid) return null;
      const { key, nonce } = slotKey(kek, bytesOf(salt), scope);
      const sk = suiteOf(scope.suite).open(key, nonce, NO_AAD, bytesOf(ct));
      if (sk === null) throw damagedSlot(slot, scope, "it is this key's and does not authenticate");
      return sk;
    },
    forget,
  };
}

function stretchOnce(source: Uint8Array) {
  const own = Uint8Array.from(source);
  const kept = new Map<string, Promise<Uint8Array>>();
  let forgotten = false;
  const kekOf = async (suite: SuiteName, stretch: Stretch): Promise<Uint8Array> => {
    if (forgotten) throw new RangeError("this key was forgotten");
    const label = JSON.stringify([suite, stretch]);
    const found = kept.get(label) ?? stretchKey(suite, own, stretch);
    kept.set(label, found);
    return await found;
  };
  const forget = () => {
    forgotten = true;
    own.fill(0);
    // One that is still being stretched goes as soon as it is there.
    for (const kek of kept.values())
      kek.then(
        (bytes) => bytes.fill(0),
        () => {},
      );
    kept.clear();
  };
  return { kekOf, forget };
}

/** A label of the key, 16 hex digits: tells whose slot it is without saying anything of the key. */
function kidOf(suite: SuiteName, kek: Uint8Array): string {
  const { hkdfExtract, hkdfExpand } = suiteOf(suite);
  return toHex(hkdfExpand(hkdfExtract(new Uint8Array(0), kek), lengthPrefixed("coldkeep/v1 kid"), 8));
}

/** Bound to the scope: a slot moved to another snapshot's key file opens nothing. */
function slotKey(kek: Uint8Array, salt: Uint8Array, scope: SnapshotScope): { key: AeadKey; nonce: Uint8Array } {
  const suite = suiteOf(scope.suite);
  const info = Buffer.concat([lengthPrefixed("coldkeep/v1 slot"), scopeBytes(scope)]);
  const okm = suite.hkdfExpand(suite.hkdfExtract(salt, kek), info, suite.keyBytes + NONCE_BYTES);
  const key = suite.prepare(okm.subarray(0, suite.keyBytes));
  // Whatever prepares a key copies what it keeps.
  okm.fill(0, 0, suite.keyBytes);
  return { key, nonce: okm.subarray(suite.keyBytes) };
}

function bytesOf(text: string): Uint8Array {
  const bytes = fromBase64url(text);
  if (bytes === null) throw new RangeError("the schema lets only base64url through");
  return bytes;
}
