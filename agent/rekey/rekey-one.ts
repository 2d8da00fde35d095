import type { Card } from "../../vault/card/types.ts";
import { ColdkeepError, fromBase64url, names } from "../../vault/names/index.ts";
import { checkKeyFile, openKeyFile, rewriteKeyFile, verifyCardMac } from "../../vault/sealed/index.ts";
import type { KeyFile, LabelledRecipient, Slot, SnapshotScope } from "../../vault/sealed/types.ts";
import type { KeptFiles } from "./keep-old.ts";
import { type KeyFileRef, missing } from "./key-files.ts";
import type { RekeyOptions, RekeyOutcome } from "./types.ts";

const MAX_KEY_FILE = 64 << 10;
/** Others may rewrite the same file; each try begins anew from what they left. */
const TRIES = 5;

/**
 * Rewrites one key.json (FORMAT.md, rulings on rotation): the snapshot key must fit the card's commitment, the card's and
 * the file's own MAC must verify, and the new file must open before the old one goes.
 * @param card The snapshot's card; null for an origin that never became a snapshot.
 * @param kept Takes the old file before the new one is put.
 * @throws ColdkeepError `key`, `integrity`, `busy`, or what the store throws.
 */
export async function rekeyOne(
  o: RekeyOptions,
  ref: KeyFileRef,
  card: Card | null,
  kept: KeptFiles,
): Promise<RekeyOutcome> {
  const { snapshot, node, commit: promised, ...rest } = ref;
  const scope: SnapshotScope = { ...rest, node, snapshot };
  const name = names.keyJson(node, snapshot);
  const commit = fromBase64url(promised, 32) ?? new Uint8Array(32);
  for (let turn = 0; turn < TRIES; turn += 1) {
    o.signal.throwIfAborted();
    const found = await o.store.get(name, { maxBytes: MAX_KEY_FILE });
    if (found === null) throw missing(snapshot, node);
    const { file } = checkKeyFile({ bytes: found.bytes, scope, commit });
    const add = await wanting(o.change.add, file, scope);
    const { gone, others } = await going(o, file, scope);
    const labels = {
      added: add.map(({ label }) => label),
      removed: gone.map(labelOf),
      others: others.map(labelOf),
    };
    if (add.length === 0 && gone.length === 0) {
      return { snapshot, outcome: "as it was", ...labels, generation: file.generation };
    }
    const opened = await openKeyFile({ bytes: found.bytes, scope, identities: o.identities, commit });
    let bytes: Uint8Array;
    try {
      if (card !== null) verifyCardMac(card, opened.keys);
      if (!opened.macOk) throw tampered(name);
      const ids = new Set(gone.map(({ id }) => id));
      if (ids.size === file.slots.length && add.length === 0) throw lastSlot(name);
      const recipients = add.map(({ recipient }) => recipient);
      const keep = ({ id }: Slot) => !ids.has(id);
      bytes = await rewriteKeyFile({ file, opened, keep, add: recipients, now: o.now, on: name });
    } finally {
      opened.sk.fill(0);
    }
    const proven = await openKeyFile({ bytes, scope, identities: o.proof, commit });
    proven.sk.fill(0);

    await kept.add(snapshot, found.bytes);
    const { replaced } = await o.store.replace(name, bytes, found.info.etag);
    if (!replaced) {
      kept.done(snapshot);
      continue;
    }
    const back = await o.store.get(name, { maxBytes: MAX_KEY_FILE });
    if (back === null || !Buffer.from(back.bytes).equals(bytes)) {
      await o.store.replace(name, found.bytes, back?.info.etag ?? null);
      throw notAsPut(name, kept.path);
    }
    kept.done(snapshot);
    return { snapshot, outcome: "rewritten", ...labels, generation: file.generation + 1 };
  }
  throw new ColdkeepError("busy", { what: "others keep changing the key file", on: name, retryable: true });
}

async function wanting(add: readonly LabelledRecipient[], { slots }: KeyFile, { suite }: SnapshotScope) {
  const found: { readonly recipient: LabelledRecipient; readonly label: string }[] = [];
  for (const recipient of add) {
    const kid = await recipient.kid(suite);
    if (slots.some((slot) => slot.type === recipient.type && slot.kid === kid)) continue;
    found.push({ recipient, label: labelOf({ type: recipient.type, kid }) });
  }
  return found;
}

/** The slots that are to go, and those that stay though they are of none of the keys to be added. */
async function going(o: RekeyOptions, { slots }: KeyFile, scope: SnapshotScope) {
  const stay = new Set<string>();
  for (const recipient of o.change.add)
    stay.add(labelOf({ type: recipient.type, kid: await recipient.kid(scope.suite) }));
  const gone: Slot[] = [];
  const others: Slot[] = [];
  for (const slot of slots) {
    if (stay.has(labelOf(slot))) continue;
    if (await o.change.removes(slot, scope)) gone.push(slot);
    else others.push(slot);
  }
  return { gone, others };
}

/** What people and reports call a slot. */
function labelOf({ type, kid }: Pick<Slot, "type" | "kid">): string {
  return `${type} ${kid}`;
}

function tampered(on: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "will not rewrite a key file whose slots somebody changed",
    on,
    why: "its MAC does not verify: a slot may be an attacker's, and would be carried on",
    todo: "Bring back an older version of the file or another copy of it, then run this again",
  });
}

function lastSlot(on: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "will not remove the last key of a snapshot",
    on,
    todo: "add another one first: coldkeep key add",
  });
}

function notAsPut(on: string, old: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "the vault does not give back the key file as it was put",
    on,
    todo: `the old one was put back, and is kept in ${old}`,
  });
}
