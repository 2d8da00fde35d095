import { canonicalBytes, checkRecord } from "../card/index.ts";
import { toBase64url } from "../names/index.ts";
import { assertKeyFileSize, type OpenedKeyFile, slotsMac } from "./key-file.ts";
import { keyFile as schema } from "./schemas.ts";
import type { KeyFile, Recipient, Slot } from "./types.ts";

/**
 * The next generation of a key.json: some slots gone, others added, all else copied as it is, unknown types included.
 * @param o.opened What `openKeyFile` made of `file`; its list of slots must have been as written (`macOk`).
 * @param o.keep Which of the slots stay.
 * @param o.now Milliseconds since the epoch, recorded in the new slots.
 * @throws RangeError where the list of slots was tampered with: nobody must carry on with an attacker's slot.
 */
export async function rewriteKeyFile(o: {
  readonly file: KeyFile;
  readonly opened: OpenedKeyFile;
  readonly keep: (slot: Slot) => boolean;
  readonly add: readonly Recipient[];
  readonly now: number;
  readonly on: string;
}): Promise<Uint8Array> {
  const { file, opened, on } = o;
  if (!opened.macOk) throw new RangeError("a key file whose slots were changed is not rewritten");
  const slots = file.slots.filter(o.keep);
  for (const recipient of o.add) slots.push({ ...(await recipient.wrap(opened.sk, opened.keys.scope)), added: o.now });
  const { mac: _mac, ...rest } = file;
  const bare = { ...rest, generation: file.generation + 1, slots };
  const next: KeyFile = { ...bare, mac: toBase64url(slotsMac(bare, opened.keys)) };
  const bytes = canonicalBytes(checkRecord(schema, next, on));
  assertKeyFileSize(bytes, on);
  return bytes;
}
