import { newTicketId, selectSnapshot } from "../../keeper/index.ts";
import type { IndexEntry } from "../../vault/card/index.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { hashed } from "../../vault/store/index.ts";
import type { Ticket } from "../../vault/ticket/index.ts";
import { counted, formatBytes, formatTime } from "../report/index.ts";
import { makeShare, type ShareGives, writeShareToken } from "../share/index.ts";
import type { Call } from "./define.ts";
import type { IdentityFlags } from "./identity-flag.ts";
import { beginIssuing, type Issuing } from "./issue.ts";
import type { IssueFlags } from "./issue-flags.ts";
import { openingOf } from "./opening.ts";
import { assertNotBroken, selectionOf } from "./selection.ts";

/** A share that is in the vault, and the token that opens it. */
export interface Shared extends Pick<Issuing, "session" | "store"> {
  readonly ticket: Ticket;
  readonly token: string;
  readonly gives: ShareGives;
  readonly entry: IndexEntry;
  /** Digest of the package that was put into the vault. */
  readonly agent: string | null;
}

/** Makes ticket and object of a share. The object is put last: a token that opens nothing yet harms nobody. */
export async function share(
  call: Call<IssueFlags & IdentityFlags>,
  id: string,
  includeSecrets: boolean,
): Promise<Shared> {
  const { session, store, scope, issue, putAgent } = await beginIssuing(call);
  const entry = await selectSnapshot({ store, ...scope, selection: selectionOf(id, {}) });
  assertNotBroken(entry);
  const opening = await openingOf(session, store, call);
  call.progress.stage("open");
  const tid = newTicketId();
  const made = await makeShare({ ...opening(entry.snapshot), tid, includeSecrets });
  const agent = await putAgent();
  const issued = await issue({ kind: "share", snapshot: made.snapshot, tid });
  const put = await store.create(made.object, hashed(made.bytes));
  if (!put.created)
    throw new ColdkeepError("internal", { what: "a share of this name is there already", on: made.object });
  const token = writeShareToken({ ticket: issued.text, key: made.key });
  return { session, store, ticket: issued.ticket, token, gives: made.gives, entry, agent };
}

/** What it gives away, for people. */
export function givenRows({ gives }: Pick<Shared, "gives">): (readonly [string, string])[] {
  const { files, bytes, packs, sealed, leftOut, origins } = gives;
  const others =
    origins.length === 0
      ? ""
      : `; so also what ${origins.length === 1 ? "an older snapshot has" : "older snapshots have"} in them: ${origins.join(", ")}`;
  return [
    ["gives", `all names and paths, and ${formatBytes(bytes)} in ${counted(files, "file")}`],
    ["", `it opens ${counted(packs, "pack")}, ${formatBytes(sealed)}, whole${others}`],
    ["left out", leftOut === 0 ? "nothing" : `secret files, in ${counted(leftOut, "pack")}`],
  ];
}

export function sharedRows({ ticket, gives }: Shared): (readonly [string, string])[] {
  return [
    ["share", ticket.tid],
    ["of", `${ticket.node}, ${ticket.snapshot}`],
    ["until", formatTime(ticket.exp * 1000)],
    ...givenRows({ gives }),
    ["revoke", `coldkeep share revoke ${ticket.tid}: ends downloads; what was fetched stays readable`],
  ];
}
