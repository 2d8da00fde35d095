import { timingSafeEqual } from "node:crypto";
import { canonicalBytes, checkRecord, readRecord } from "../card/index.ts";
import { ColdkeepError, FORMAT, fromBase64url, isColdkeepError, names, toBase64url } from "../names/index.ts";
import { deriveKeys } from "./derive.ts";
import { keyFile as schema } from "./schemas.ts";
import { suiteOf } from "./suites.ts";
import type { Identity, KeyFile, Recipient, Slot, SnapshotKeys, SnapshotScope } from "./types.ts";

/** Bytes of a key.json; readers refuse larger ones. */
const MAX_KEY_FILE = 64 * 1024;
const LABEL = "coldkeep/v1 slots\0";

/**
 * Wraps a snapshot key for each recipient: the bytes of `key.json`, generation 1.
 * @param o.now Milliseconds since the epoch, recorded in each slot.
 */
export async function writeKeyFile(o: {
  readonly scope: SnapshotScope;
  readonly sk: Uint8Array;
  readonly recipients: readonly Recipient[];
  readonly now: number;
}): Promise<Uint8Array> {
  const { scope, sk, recipients, now } = o;
  const keys = deriveKeys(sk, scope);
  // One after the other: each stretching takes 128 MiB while it lasts.
  const slots: Slot[] = [];
  for (const recipient of recipients) slots.push({ ...(await recipient.wrap(sk, scope)), added: now });
  const { vault, node, snapshot, suite } = scope;
  const bare = {
    format: FORMAT,
    vault,
    node,
    snapshot,
    suite,
    commit: toBase64url(keys.commit),
    generation: 1,
    slots,
  } as const;
  const file: KeyFile = { ...bare, mac: toBase64url(slotsMac(bare, keys)) };
  const bytes = canonicalBytes(checkRecord(schema, file, nameOf(scope)));
  assertKeyFileSize(bytes, nameOf(scope));
  return bytes;
}

/** Reads a key.json. Proves nothing yet: see `openKeyFile`. @throws ColdkeepError `integrity`. */
export function parseKeyFile(bytes: Uint8Array, on = names.KEY_NAME): KeyFile {
  assertKeyFileSize(bytes, on);
  return readRecord<KeyFile>(schema, bytes, on);
}

export interface OpenedKeyFile {
  /** The caller's to overwrite, once it has no more use for it. */
  readonly sk: Uint8Array;
  readonly keys: SnapshotKeys;
  /** False where the list of slots is not as it was written; the snapshot key itself is proven by its commitment. */
  readonly macOk: boolean;
  /** Id of the slot that opened. */
  readonly slot: string;
  /** Label of the identity that opened it. */
  readonly by: string;
  /** Worth a look though it opened: what was tried in vain, and slots of types this version does not know. */
  readonly notes: readonly string[];
}

/**
 * Reads a key.json and sees that it is the one of this snapshot, as far as can be seen without a key.
 * @param o.commit As for `openKeyFile`.
 * @throws ColdkeepError `integrity` where the file is damaged or another node's or snapshot's.
 */
export function checkKeyFile(o: {
  readonly bytes: Uint8Array;
  readonly scope: SnapshotScope;
  readonly commit?: Uint8Array;
}): { readonly file: KeyFile; readonly commit: Uint8Array } {
  const on = nameOf(o.scope);
  const file = parseKeyFile(o.bytes, on);
  assertScope(file, o.scope, on);
  const commit = fromBase64url(file.commit, 32) ?? new Uint8Array(32);
  if (o.commit === undefined || equal(commit, o.commit)) return { file, commit };
  throw new ColdkeepError("integrity", {
    what: "the key file is not this snapshot's",
    on,
    why: "its key commitment is another than the snapshot's",
    todo: "It was replaced in the vault: bring back an older version of it or another copy",
  });
}

/**
 * Unwraps the snapshot key with the first identity and slot that fit, and proves it by the commitment.
 * @param o.commit The commitment the card or the manifest promises; the file's own is believed where it is left out.
 * @throws ColdkeepError `integrity` where the file is damaged or another node's or snapshot's; `key` where none of the
 * identities opens it, or what one unwraps is not this snapshot's key.
 */
export async function openKeyFile(o: {
  readonly bytes: Uint8Array;
  readonly scope: SnapshotScope;
  readonly identities: readonly Identity[];
  readonly commit?: Uint8Array;
}): Promise<OpenedKeyFile> {
  const on = nameOf(o.scope);
  const { file, commit } = checkKeyFile(o);
  const attempts: Attempt[] = [];
  // Cheap and local ones first, slots in the order of the file: a token or a service is asked only where it is needed.
  for (const identity of o.identities.toSorted((a, b) => costOf(a) - costOf(b))) {
    for (const slot of file.slots.filter(({ type }) => type === identity.type)) {
      const key = identity.label ?? identity.type;
      try {
        const sk = await identity.unwrap(slot, o.scope);
        if (sk === null) continue;
        const keys = sk.length === 32 ? deriveKeys(sk, o.scope) : null;
        if (keys !== null && equal(keys.commit, commit)) {
          return {
            sk,
            keys,
            macOk: isMacOk(file, keys),
            slot: slot.id,
            by: key,
            notes: notesOf(file, attempts, o.identities),
          };
        }
        sk.fill(0);
        attempts.push({ slot, key, error: null });
      } catch (error) {
        // A damaged slot may hide a sound one, and a key out of reach one at hand: told only if nothing opens.
        if (!isColdkeepError(error) || error.kind === "interrupted") throw error;
        attempts.push({ slot, key, error });
      }
    }
  }
  throw cannotOpen(file, o.identities, attempts, on);
}

/** One slot that a key was used on in vain. `error` is null where it opened and held another snapshot's key. */
interface Attempt {
  readonly slot: Slot;
  readonly key: string;
  readonly error: ColdkeepError | null;
}

function notesOf(file: KeyFile, attempts: readonly Attempt[], identities: readonly Identity[]): string[] {
  const unknown = file.slots.filter(
    ({ type }) => !Object.hasOwn(COSTS, type) && !identities.some((identity) => identity.type === type),
  );
  return [
    ...attempts.map(({ slot, key, error }) => `${key} did not open slot ${slot.id.slice(0, 16)}: ${reasonOf(error)}`),
    ...unknown.map(
      ({ type }) => `a key slot of type ${JSON.stringify(type)} was passed over: this version does not know it`,
    ),
  ];
}

const COSTS: Readonly<Record<string, number>> = { age: 1, rsa: 1, key: 2, pkcs11: 3, kms: 4 };

function costOf({ type }: Identity): number {
  return COSTS[type] ?? 0;
}

/** What was tried and why each failed. A damaged slot of one's own goes first: the key is right, and the file is not. */
function cannotOpen(
  file: KeyFile,
  identities: readonly Identity[],
  attempts: readonly Attempt[],
  on: string,
): ColdkeepError {
  const lines = identities.flatMap(({ type, label = type }) => {
    const own = attempts.filter(({ key }) => key === label);
    if (own.length > 0)
      return own.map(({ slot, error }) => `${label}: slot ${slot.id.slice(0, 16)}: ${reasonOf(error)}`);
    return `${label}: ${file.slots.some((slot) => slot.type === type) ? "fits no slot" : `there is no slot of type ${type}`}`;
  });
  const failed =
    attempts.find(({ error }) => isColdkeepError(error, "integrity")) ?? attempts.find(({ error }) => error !== null);
  if (failed?.error != null && attempts.length === 1 && identities.length === 1) return failed.error;
  const slots = file.slots.map(({ type, kid }) => JSON.stringify(`${type} ${kid.slice(0, 80)}`)).join(", ");
  const foreign = attempts.length > 0 && attempts.every(({ error }) => error === null);
  return new ColdkeepError(failed?.error?.kind ?? "key", {
    what: foreign ? "not the key of this snapshot" : "none of the keys given opens this snapshot",
    on,
    why: [`it is sealed for: ${slots}; tried:`, ...lines].join("\n  "),
    todo: foreign
      ? "The slot was put there by somebody else, or for another snapshot"
      : (failed?.error?.todo ?? "Give the key that was configured when it was made"),
    ...(failed?.error == null ? {} : { cause: failed.error, retryable: failed.error.retryable }),
  });
}

function reasonOf(error: ColdkeepError | null): string {
  if (error === null) return "it opened, but what it holds does not fit the snapshot's key commitment";
  return [error.what, error.why].filter((part) => part !== undefined).join(": ");
}

function assertScope(file: KeyFile, scope: SnapshotScope, on: string): void {
  for (const field of ["vault", "node", "snapshot", "suite"] as const) {
    if (file[field] === scope[field]) continue;
    const why = `its ${field} is ${file[field]}, expected is ${scope[field]}`;
    throw new ColdkeepError("integrity", { what: "the key file belongs elsewhere", on, why });
  }
}

/** Whether a key file's list of slots is as somebody who holds the snapshot's key wrote it. */
export function isMacOk(file: KeyFile, keys: SnapshotKeys): boolean {
  const { mac, ...bare } = file;
  const found = fromBase64url(mac, 32);
  return found !== null && equal(found, slotsMac(bare, keys));
}

export function slotsMac(bare: Omit<KeyFile, "mac">, keys: SnapshotKeys): Uint8Array {
  return suiteOf(keys.scope.suite).hmac(keys.slots, Buffer.from(LABEL), canonicalBytes(bare));
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function nameOf({ node, snapshot }: SnapshotScope): string {
  return names.keyJson(node, snapshot);
}

/** @throws ColdkeepError `integrity`. */
export function assertKeyFileSize(bytes: Uint8Array, on: string): void {
  if (bytes.length > MAX_KEY_FILE) throw tooLarge(on, bytes.length);
}

function tooLarge(on: string, size: number): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "too large for a key file",
    on,
    why: `${size} bytes found, allowed are ${MAX_KEY_FILE}`,
  });
}
