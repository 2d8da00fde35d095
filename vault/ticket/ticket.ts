import * as z from "zod";
import * as f from "../card/fields.ts";
import { canonicalBytes, checkRecord, parseCanonical } from "../card/index.ts";
import { ColdkeepError, fromBase64url, toBase64url } from "../names/index.ts";
import type { Ticket, TicketChecker, TicketSigner } from "./types.ts";

const PREFIX = "ckt1.";
const CONTEXT = "coldkeep/v1 ticket\0";
const MAC_BYTES = 32;
/** A ticket that is longer is none; bytes of the whole text. */
const MAX_TEXT = 2048;

/** An unpredictable name of 16 bytes. */
export const ticketId = f.base64url(16);

/** Seconds since the epoch. */
const seconds = z.int().min(0);

export const ticket = z
  .strictObject({
    v: z.literal(1),
    tid: ticketId,
    vault: f.vault,
    node: f.node,
    snapshot: f.snapshot.exactOptional(),
    min_seq: z.int().min(1).exactOptional(),
    iat: seconds,
    exp: seconds,
    kind: z.enum(["restore", "share"]),
    card_key: f.base64url(32),
  })
  .refine(({ iat, exp }) => iat < exp, "must end after it begins")
  .refine(
    ({ kind, snapshot }) => kind !== "share" || snapshot !== undefined,
    "a share names its snapshot",
  ) satisfies z.ZodType<Ticket>;

/** The text of a ticket: what its holder sends in the Authorization header, and nowhere else. */
export async function writeTicket(value: Ticket, signer: TicketSigner): Promise<string> {
  checkRecord<Ticket>(ticket, value, "ticket");
  const payload = canonicalBytes(value);
  const mac = await signer.sign(messageOf(payload));
  if (mac.length !== MAC_BYTES) throw new RangeError(`a ticket's MAC has ${MAC_BYTES} bytes, got ${mac.length}`);
  return `${PREFIX}${toBase64url(payload)}.${toBase64url(mac)}`;
}

/**
 * The ticket a text is. Its MAC is checked over the bytes as they came, before anything in them is looked at.
 * @throws ColdkeepError `permission` where it is none, was changed, or was signed by another key; no part of it is shown.
 */
export async function readTicket(text: string, checker: TicketChecker): Promise<Ticket> {
  const parts = splitTicket(text);
  if (parts === null) throw noTicket("it is not the text of a ticket");
  if (!(await checker.check(messageOf(parts.payload), parts.mac))) throw noTicket("its signature is not ours");
  return checkRecord<Ticket>(ticket, parseCanonical(parts.payload, "ticket"), "ticket");
}

/**
 * What a ticket says, unproven: for its holder, who can check nothing of it.
 * @throws ColdkeepError `usage` where it is none.
 */
export function lookIntoTicket(text: string): Ticket {
  const parts = splitTicket(text);
  if (parts !== null) return checkRecord<Ticket>(ticket, parseCanonical(parts.payload, "ticket"), "ticket");
  throw new ColdkeepError("usage", {
    what: "this is no ticket",
    why: "a ticket is one line that begins with ckt1.",
    todo: "Ask for it again: it may have been cut off on the way",
  });
}

function splitTicket(text: string): { readonly payload: Uint8Array; readonly mac: Uint8Array } | null {
  if (text.length > MAX_TEXT || !text.startsWith(PREFIX)) return null;
  const [payload, mac, ...more] = text.slice(PREFIX.length).split(".");
  if (payload === undefined || mac === undefined || more.length > 0) return null;
  const bytes = fromBase64url(payload);
  const tag = fromBase64url(mac, MAC_BYTES);
  return bytes === null || bytes.length === 0 || tag === null ? null : { payload: bytes, mac: tag };
}

function messageOf(payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(CONTEXT, "latin1"), payload]);
}

function noTicket(why: string): ColdkeepError {
  return new ColdkeepError("permission", {
    what: "the ticket is not valid",
    why,
    todo: "Ask for a new one: `coldkeep ticket create`",
  });
}
