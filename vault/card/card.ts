import * as z from "zod";
import { names } from "../names/index.ts";
import * as f from "./fields.ts";
import { canonicalBytes } from "./jcs.ts";
import { MAX_ORIGINS, MAX_PACK_LISTS, MAX_PACKS } from "./limits.ts";
import { isQuicklyCard } from "./quick-card.ts";
import { assertExpected, checkRecord, type Expected, readRecord } from "./record.ts";
import type { Card, CardCore, ClosingCard } from "./types.ts";

/** Number of a pack. */
export const packIndex = z
  .int()
  .min(0)
  .max(MAX_PACKS - 1);
const signature = z.strictObject({ key: f.base64url(32), value: f.base64url(64) });

const ranges = z
  .array(z.tuple([packIndex, packIndex]))
  .min(1)
  .refine(ascending, "ranges must ascend and not touch");
const origins = z
  .array(z.strictObject({ snapshot: f.snapshot, ranges }))
  .max(MAX_ORIGINS)
  .refine((list) => new Set(list.map((o) => o.snapshot)).size === list.length, "an origin is named twice");
const packLists = z
  .array(z.strictObject({ name: z.string(), ...f.sum }))
  .max(MAX_PACK_LISTS)
  .refine((list) => list.every((ref, i) => ref.name === names.packListName(i)), "must be packs-0000.json and on");

const core = z.strictObject({
  ...f.ofSnapshot,
  state: z.literal("committed"),
  suite: f.suite,
  commit: f.base64url(32),
  seq: z.int().min(1),
  parent: f.snapshot.exactOptional(),
  started: f.time,
  captured: f.time,
  downtime_ms: f.count.exactOptional(),
  profile: f.text,
  heights: f.heights.exactOptional(),
  tags: f.tags,
  group: f.text.exactOptional(),
  bytes: f.bytes,
  manifest: z.strictObject(f.sum),
  pack_lists: packLists,
  origins,
}) satisfies z.ZodType<CardCore>;

const card = z.strictObject({ core, mac: f.base64url(32), sig: signature }) satisfies z.ZodType<Card>;

const closing = z
  .strictObject({
    ...f.ofSnapshot,
    state: z.enum(["adopted", "abandoned"]),
    by: f.snapshot.exactOptional(),
    sig: signature.exactOptional(),
  })
  .refine((c) => (c.state === "adopted") === (c.by !== undefined), "by names the adopter, and there is one or none")
  .refine((c) => (c.state === "adopted") === (c.sig !== undefined), "the adopting host signs, the keeper does not");

/** True for the card of a committed snapshot, false for one that closes a run. */
export function isCommitted(value: Card | ClosingCard): value is Card {
  return "core" in value;
}

/**
 * Reads `snapshots/<id>.card.json`. Says nothing yet about who wrote it: see `verifyCardSignature` and the sealed
 * half's `verifyCardMac`.
 * @throws ColdkeepError `integrity`, or `refused` where the format is newer.
 */
export function parseCard(raw: Uint8Array, expected?: Expected): Card | ClosingCard {
  const on = cardName(expected);
  // The two shapes share no top-level field but format; choosing first gives messages of the right one.
  const found = hasCore(raw)
    ? readRecord<Card | ClosingCard>(card, raw, on, isQuicklyCard)
    : readRecord<Card | ClosingCard>(closing, raw, on);
  assertExpected(isCommitted(found) ? found.core : found, expected, on);
  return found;
}

/** @throws ColdkeepError `integrity` where a reader would refuse it. */
export function encodeCard(value: Card | ClosingCard): Uint8Array {
  const on = cardName(isCommitted(value) ? value.core : value);
  if (isCommitted(value)) checkRecord(card, value, on);
  else checkRecord(closing, value, on);
  return canonicalBytes(value);
}

/** Checks what is about to be MACed and signed. @throws ColdkeepError `integrity`. */
export function assertCardCore(value: CardCore): void {
  checkRecord(core, value, cardName(value));
}

function ascending(list: readonly (readonly [number, number])[]): boolean {
  return list.every(([first, last], i) => {
    const before = list[i - 1];
    // Ranges that touch have a shorter form; only the shortest is canonical.
    return first <= last && (before === undefined || before[1] + 1 < first);
  });
}

/** Whether bytes can only be those of a committed card, and not of one that closes a run. */
export function hasCore(raw: Uint8Array): boolean {
  const start = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.byteLength, 8)).toString("latin1");
  return start === '{"core":';
}

function cardName(of: Expected | undefined): string {
  return of?.node !== undefined && of.snapshot !== undefined
    ? `${of.node}/snapshots/${of.snapshot}${names.CARD_SUFFIX}`
    : "card";
}
