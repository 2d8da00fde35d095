import * as z from "zod";
import { canonicalBytes, checkRecord, readRecord, sumOf } from "../card/index.ts";
import { ColdkeepError, FORMAT, names } from "../names/index.ts";
import { ticket, ticketId } from "./ticket.ts";
import type { RevokedTicket, RevokedTickets, Ticket } from "./types.ts";

/** Revoked tickets are forgotten when they would have ended by themselves, so there are never this many. */
const MAX_REVOKED = 100_000;
/** A ticket that has ended is kept in the list so much longer: clocks differ. Seconds. */
const AFTERWARDS = 86_400;

const list = {
  format: z.literal(FORMAT),
  tickets: z.array(z.strictObject({ tid: ticketId, exp: z.int().min(0) })).max(MAX_REVOKED),
};
const schema = z.strictObject(list) satisfies z.ZodType<RevokedTickets>;
const stored = z.strictObject({ ...list, sha256: z.string().length(64).exactOptional() });

/** @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parseRevoked(bytes: Uint8Array): RevokedTickets {
  const { sha256, ...found } = readRecord(stored, bytes, names.REVOKED_TICKETS);
  if (sha256 === undefined || sha256 === digestOf(found)) return found;
  throw new ColdkeepError("integrity", {
    what: "cannot read",
    on: names.REVOKED_TICKETS,
    why: "its digest is another than that of its tickets",
  });
}

export function encodeRevoked(value: RevokedTickets): Uint8Array {
  checkRecord<RevokedTickets>(schema, value, names.REVOKED_TICKETS);
  return canonicalBytes({ ...value, sha256: digestOf(value) });
}

/** One bit of an id, and a ticket that was revoked would be good again. */
function digestOf({ tickets }: RevokedTickets): string {
  return sumOf(canonicalBytes(tickets)).sha256;
}

/** The list with one more, and without those that have ended long ago. `now` in seconds since the epoch. */
export function withRevoked(list: RevokedTickets, { tid, exp }: RevokedTicket, now: number): RevokedTickets {
  const kept = list.tickets.filter((other) => other.tid !== tid && other.exp + AFTERWARDS > now);
  return { format: FORMAT, tickets: [...kept, { tid, exp }] };
}

/** What is kept of a ticket, so that it can be listed and revoked: all of it but its MAC, so it opens nothing. */
export function encodeIssued(value: Ticket): Uint8Array {
  checkRecord<Ticket>(ticket, value, names.issuedTicket(value.tid));
  return canonicalBytes({ format: FORMAT, ticket: value });
}

const issued = z.strictObject({ format: z.literal(FORMAT), ticket });

/** @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parseIssued(bytes: Uint8Array, on: string): Ticket {
  return readRecord(issued, bytes, on).ticket;
}

const publication = z.strictObject({ format: z.literal(FORMAT), tid: ticketId, url: z.url().max(2048) });

/** Where a share was published. */
export interface Publication {
  readonly format: 1;
  readonly tid: string;
  readonly url: string;
}

/** @throws ColdkeepError `integrity`, or `refused` where the format is newer. */
export function parsePublication(bytes: Uint8Array, on: string): Publication {
  return readRecord<Publication>(publication, bytes, on);
}

export function encodePublication(value: Publication): Uint8Array {
  checkRecord<Publication>(publication, value, names.published(value.tid));
  return canonicalBytes(value);
}
