import { ColdkeepError, isColdkeepError, messageOf, type NodeName, names } from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import { parseRevoked, readTicket, type Ticket } from "../../vault/ticket/index.ts";
import type { PresenterPort, PresenterRequest } from "./types.ts";

/** The list of revoked tickets is at most so old when it is believed. */
const REVOKED_MS = 60_000;
/** Clocks of whoever makes tickets and whoever checks them may differ by so much. */
const SKEW_MS = 5 * 60_000;
const MAX_LIST = 16 << 20;

/** Who asks, and what he may see. */
export type Caller =
  | { readonly by: "ticket"; readonly who: string; readonly ticket: Ticket }
  | { readonly by: "platform"; readonly who: string };

export type Authorize = (request: PresenterRequest) => Promise<Caller>;

/**
 * Tells who asks. Tickets are checked in this order: their MAC over the bytes as they came, then what they say, their
 * time, and the list of revoked ones; where that list cannot be read every ticket is refused.
 */
export function makeAuthorize({ store, tickets, clock }: PresenterPort): Authorize {
  const revoked = revocations(store, clock);
  return async ({ authorization, caller }) => {
    if (caller !== undefined) return { by: "platform", who: caller };
    const [, text] = /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(authorization ?? "") ?? [];
    if (text === undefined) throw refused("no ticket was sent", "Send it in the Authorization header, after Bearer");
    if (tickets === null) throw refused("no tickets are taken here");
    const ticket = await readTicket(text, tickets);
    assertTime(ticket, clock.now());
    if ((await revoked()).has(ticket.tid)) throw refused("it was revoked");
    return { by: "ticket", who: `ticket ${ticket.tid}`, ticket };
  };
}

/** @throws ColdkeepError `refused` where a ticket is for another node. */
export function assertNode(caller: Caller, node: NodeName): void {
  if (caller.by === "ticket" && caller.ticket.node !== node) throw forbidden("it is for another node");
}

export function forbidden(why: string): ColdkeepError {
  return new ColdkeepError("refused", { what: "the ticket does not cover this", why });
}

function refused(why: string, todo = "Ask for a new one: `coldkeep ticket create`"): ColdkeepError {
  return new ColdkeepError("permission", { what: "the ticket is not valid", why, todo });
}

function assertTime({ iat, exp }: Ticket, now: number): void {
  if (exp * 1000 <= now) throw refused(`it ended at ${iso(exp)}; it is ${iso(now / 1000)} here`);
  if (iat * 1000 <= now + SKEW_MS) return;
  throw refused(
    `it is of ${iso(iat)}, and here it is only ${iso(now / 1000)}`,
    "Set the clocks of the hosts that make and check tickets",
  );
}

function revocations(store: Reader, clock: PresenterPort["clock"]): () => Promise<ReadonlySet<string>> {
  let known: { readonly at: number; readonly tids: ReadonlySet<string> } | null = null;
  return async () => {
    const now = clock.now();
    // A clock that was set back makes nothing younger.
    if (known !== null && now >= known.at && now - known.at < REVOKED_MS) return known.tids;
    known = { at: now, tids: await readRevoked(store) };
    return known.tids;
  };
}

async function readRevoked(store: Reader): Promise<ReadonlySet<string>> {
  try {
    const object = await store.get(names.REVOKED_TICKETS, { maxBytes: MAX_LIST });
    if (object === null) throw new Error("it is not there; `coldkeep ticket create` makes it");
    return new Set(parseRevoked(object.bytes).tickets.map(({ tid }) => tid));
  } catch (error) {
    throw new ColdkeepError("vault", {
      what: "cannot tell which tickets were revoked",
      on: names.REVOKED_TICKETS,
      why: isColdkeepError(error) ? (error.why ?? error.what) : messageOf(error),
      todo: "Until it can be read no ticket is taken",
      retryable: true,
      cause: error,
    });
  }
}

function iso(seconds: number): string {
  return Number.isFinite(seconds) && Math.abs(seconds) < 8.64e12 ? new Date(seconds * 1000).toISOString() : "no date";
}
