import { randomBytes } from "node:crypto";
import {
  ColdkeepError,
  isColdkeepError,
  type NodeName,
  names,
  type Progress,
  type SnapshotId,
  silent,
  toBase64url,
  type VaultId,
} from "../../vault/names/index.ts";
import type { Creator, Lister, Reader, Replacer } from "../../vault/store/facets.ts";
import {
  encodeIssued,
  encodePublication,
  encodeRevoked,
  parseIssued,
  parsePublication,
  parseRevoked,
  type RevokedTickets,
  type Ticket,
  type TicketKind,
  type TicketSigner,
  withRevoked,
  writeTicket,
} from "../../vault/ticket/index.ts";
import { createRecord } from "../create.ts";
import { contended } from "../index-files.ts";
import { assertMayChange } from "../may-change.ts";
import { type Found, readNode, readObject } from "../read.ts";
import { MAX_BYTES } from "../rules.ts";

const ATTEMPTS = 16;
const NONE: RevokedTickets = { format: 1, tickets: [] };

export interface IssueOptions {
  readonly store: Reader & Creator & Replacer & Lister;
  readonly signer: TicketSigner;
  readonly vault?: VaultId;
  readonly node: NodeName;
  readonly snapshot?: SnapshotId;
  readonly minSeq?: number;
  readonly kind: TicketKind;
  /** Milliseconds. */
  readonly lastsMs: number;
  readonly now: number;
  /** The key that signs the node's cards, where it is known better than by node.json. */
  readonly cardKey?: string;
  /** Default: new random bytes. */
  readonly tid?: string;
}

export interface IssuedTicket {
  readonly ticket: Ticket;
  /** What its holder needs; a secret. */
  readonly text: string;
}

/**
 * Makes a ticket. It is written down first, without what makes it one, so that no ticket exists that cannot be listed and
 * revoked.
 * @throws ColdkeepError `not-found` where there is no such node, and what store and signer throw.
 */
export async function issueTicket(o: IssueOptions): Promise<IssuedTicket> {
  await assertMayChange(o.store);
  const node = await readNode(o.store, o.node, o.vault);
  const iat = Math.floor(o.now / 1000);
  const ticket: Ticket = {
    v: 1,
    tid: o.tid ?? newTicketId(),
    vault: node.vault,
    node: node.node,
    ...(o.snapshot === undefined ? {} : { snapshot: o.snapshot }),
    ...(o.minSeq === undefined ? {} : { min_seq: o.minSeq }),
    iat,
    exp: iat + Math.floor(o.lastsMs / 1000),
    kind: o.kind,
    card_key: o.cardKey ?? node.key,
  };
  const text = await writeTicket(ticket, o.signer);
  // A presenter takes no ticket where there is no list of revoked ones: the first ticket of a vault brings it.
  if ((await o.store.head(names.REVOKED_TICKETS)) === null) {
    if (await wasIssued(o.store)) throw listIsGone();
    await o.store.replace(names.REVOKED_TICKETS, encodeRevoked(NONE), null);
  }
  const kept = await createRecord(o.store, names.issuedTicket(ticket.tid), encodeIssued(ticket));
  if (!kept.created && !kept.same)
    throw new ColdkeepError("internal", { what: "two tickets of one name", on: ticket.tid });
  return { ticket, text };
}

/** 16 random bytes that do not begin with a dash, so that a command line does not take them for a flag. */
export function newTicketId(): string {
  for (;;) {
    const tid = toBase64url(randomBytes(16));
    if (!tid.startsWith("-")) return tid;
  }
}

export interface ListedTicket extends Ticket {
  readonly state: "valid" | "ended" | "revoked";
  /** Where it was published. */
  readonly url?: string;
}

/** Writes down where a share was published. */
export async function notePublished(store: Creator, tid: string, url: string): Promise<void> {
  await createRecord(store, names.published(tid), encodePublication({ format: 1, tid, url }));
}

async function publishedUrls(store: Reader & Lister, progress: Progress): Promise<ReadonlyMap<string, string>> {
  const urls = new Map<string, string>();
  for await (const { name } of store.list(names.PUBLISHED)) {
    const read = await readObject(store, name, MAX_BYTES.marker, (bytes) => parsePublication(bytes, name));
    if (read.found === "it" && name === names.published(read.value.tid)) urls.set(read.value.tid, read.value.url);
    else if (read.found !== "nothing") progress.warn(`${name} cannot be read: it said where a share was published`);
  }
  return urls;
}

/**
 * The tickets of a node, or of all, newest first. Of one whose record is damaged no more is known than its id: it is
 * warned of, as it may still be good.
 * @throws ColdkeepError `integrity` where the list of revoked tickets is damaged or gone.
 */
export async function listTickets(
  store: Reader & Lister,
  node: NodeName | null,
  now: number,
  progress: Progress = silent,
): Promise<readonly ListedTicket[]> {
  const { list, etag } = await readList(store);
  if (etag === null && (await wasIssued(store))) throw listIsGone();
  const revoked = new Set(list.tickets.map(({ tid }) => tid));
  const urls = await publishedUrls(store, progress);
  const found: ListedTicket[] = [];
  for await (const { name } of store.list(names.ISSUED_TICKETS)) {
    const read = await readIssued(store, name);
    if (read.found === "malformed") {
      const tid = name.slice(names.ISSUED_TICKETS.length, -".json".length);
      const state = revoked.has(tid)
        ? "it is revoked"
        : `it may be good still; \`coldkeep ticket revoke ${tid}\` ends it`;
      progress.warn(`a ticket is not listed, as ${name} cannot be read (${read.why}): ${state}`);
    }
    if (read.found !== "it" || (node !== null && read.value.node !== node)) continue;
    const ended = read.value.exp * 1000 <= now;
    const url = urls.get(read.value.tid);
    found.push({
      ...read.value,
      state: revoked.has(read.value.tid) ? "revoked" : ended ? "ended" : "valid",
      ...(url === undefined ? {} : { url }),
    });
  }
  return found.sort((a, b) => b.iat - a.iat || (a.tid < b.tid ? -1 : 1));
}

/**
 * Revokes a ticket; presenters know within a minute. Null where it was revoked already.
 * @throws ColdkeepError `not-found` where no such ticket was made, `busy` where others were faster each time.
 */
export async function revokeTicket(
  store: Reader & Replacer,
  tid: string,
  now: number,
): Promise<{ readonly ticket: Ticket; readonly changed: boolean }> {
  await assertMayChange(store);
  const name = names.issuedTicket(tid);
  const read = await readIssued(store, name);
  if (read.found === "nothing") {
    throw new ColdkeepError("not-found", {
      what: "there is no such ticket",
      on: tid,
      todo: "`coldkeep ticket list` and `coldkeep share list` show them",
    });
  }
  // Damaged, it is revoked all the same, and never forgotten.
  const exp = read.found === "it" ? read.value.exp : Number.MAX_SAFE_INTEGER;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { list, etag } = await readList(store);
    // A list with this one alone would bring all others back.
    if (etag === null) throw listIsGone();
    if (read.found === "it" && list.tickets.some((other) => other.tid === tid))
      return { ticket: read.value, changed: false };
    const next = encodeRevoked(withRevoked(list, { tid, exp }, Math.floor(now / 1000)));
    if (!(await store.replace(names.REVOKED_TICKETS, next, etag)).replaced) continue;
    if (read.found === "it") return { ticket: read.value, changed: true };
    throw new ColdkeepError("integrity", { what: "the ticket was revoked, but its record is damaged", on: name });
  }
  throw contended(names.REVOKED_TICKETS);
}

/** What was written down of a ticket; another's record under its name is none of it. */
function readIssued(store: Reader, name: string): Promise<Found<Ticket>> {
  return readObject(store, name, MAX_BYTES.marker, (bytes) => {
    const ticket = parseIssued(bytes, name);
    if (names.issuedTicket(ticket.tid) === name) return ticket;
    throw new ColdkeepError("integrity", {
      what: "belongs to another ticket",
      on: name,
      why: `it is of ${ticket.tid}`,
    });
  });
}

/** Whoever may not list makes tickets as though they were the first. */
async function wasIssued(store: Lister): Promise<boolean> {
  try {
    for await (const _ of store.list(names.ISSUED_TICKETS)) return true;
  } catch (error) {
    if (!isColdkeepError(error, "permission")) throw error;
  }
  return false;
}

function listIsGone(): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "the list of revoked tickets is gone",
    on: names.REVOKED_TICKETS,
    why: "there are tickets, and a list made anew would bring those back that were revoked",
    todo:
      "put it back from a copy of the vault or an earlier version; until then no ticket is taken. Where there is none: " +
      `take a new ticket key, and remove what lies in ${names.ISSUED_TICKETS}`,
  });
}

/** @throws ColdkeepError `integrity` where it is damaged: a list made anew would bring revoked tickets back. */
async function readList(store: Reader): Promise<{ readonly list: RevokedTickets; readonly etag: string | null }> {
  const name = names.REVOKED_TICKETS;
  const read = await readObject(store, name, 16 << 20, parseRevoked);
  if (read.found === "it") return { list: read.value, etag: read.info.etag };
  if (read.found === "nothing") return { list: NONE, etag: null };
  throw new ColdkeepError("integrity", {
    what: "the list of revoked tickets is damaged",
    on: name,
    why: read.why,
    todo: "put it back from an earlier version; until then no ticket is taken",
  });
}
