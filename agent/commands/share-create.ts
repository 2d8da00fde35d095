import { resolve } from "node:path";
import { issueTicket, newTicketId, selectSnapshot } from "../../keeper/index.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { hashed } from "../../vault/store/index.ts";
import type { Ticket } from "../../vault/ticket/index.ts";
import { writeKey } from "../keys/index.ts";
import { counted, facts, formatBytes, formatTime } from "../report/index.ts";
import { makeShare, type ShareGives, writeShareToken } from "../share/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { openVault, pinnedKeyOf } from "./opened.ts";
import { openingOf } from "./opening.ts";
import { oneLinerOf, putAgent } from "./restore-line.ts";
import { assertNotBroken, selectionOf } from "./selection.ts";
import { openSession, type Session, scopeOf } from "./session.ts";
import type { ShareFlags } from "./share-create.command.ts";
import { lastingOf } from "./ticket-create.ts";
import { ticketMacOf } from "./ticket-mac.ts";

/** A share that is in the vault, and the token that opens it. */
interface Shared {
  readonly session: Session;
  readonly ticket: Ticket;
  readonly token: string;
  readonly gives: ShareGives;
  /** Digest of the package that was put into the vault. */
  readonly agent: string | null;
}

/** `coldkeep share <id>`. */
export async function run(call: Call<ShareFlags>, id: string): Promise<Answer> {
  const { flags } = call;
  const shared = await share(call, id);
  const { session, ticket, token, gives, agent } = shared;
  const file = flags.to === undefined ? null : resolve(flags.to);
  if (file !== null) writeKey(file, `${token}\n`);
  const line = oneLinerOf({
    node: session.node.name,
    from: flags.from,
    agent,
    file: file ?? "coldkeep.share",
    share: true,
  });
  const rows = sharedRows(shared);
  if (file !== null) rows.push(["file", `${file}: hand it over on a safe way`]);
  return {
    document: {
      share: { ...ticket },
      gives,
      ...(file === null ? { text: token } : { file }),
      ...(line === null ? {} : { line: line.line }),
    },
    text: `${facts(rows)}${file === null ? `\n\n${token}` : ""}${line === null ? "" : `\n\n${line.words}`}`,
  };
}

/** Makes ticket and object of a share. The object is put last: a token that opens nothing yet harms nobody. */
async function share(call: Call<Omit<ShareFlags, "to">>, id: string): Promise<Shared> {
  const { flags, io, progress } = call;
  const session = openSession(call);
  const { config, node } = session;
  const lastsMs = lastingOf(flags.expires);
  const store = await openVault(config, call, "write");
  const signer = await ticketMacOf(config, call, "make");
  const scope = scopeOf(config, node.name);
  const entry = await selectSnapshot({ store, ...scope, selection: selectionOf(id, {}) });
  assertNotBroken(entry);
  const opening = await openingOf(session, store, call);
  progress.stage("open");
  const tid = newTicketId();
  const made = await makeShare({ ...opening(entry.snapshot), tid, includeSecrets: flags.includeSecrets === true });
  const agent = flags.agent === undefined ? null : await putAgent(store, resolve(flags.agent));
  const cardKey = pinnedKeyOf(session);
  const issued = await issueTicket({
    store,
    signer,
    ...scope,
    snapshot: made.snapshot,
    ...(cardKey === undefined ? {} : { cardKey }),
    kind: "share",
    lastsMs,
    now: io.clock.now(),
    tid,
  });
  const put = await store.create(made.object, hashed(made.bytes));
  if (!put.created)
    throw new ColdkeepError("internal", { what: "a share of this name is there already", on: made.object });
  const token = writeShareToken({ ticket: issued.text, key: made.key });
  return { session, ticket: issued.ticket, token, gives: made.gives, agent };
}

/** What it gives away, for people. */
function sharedRows({ ticket, gives }: Shared): (readonly [string, string])[] {
  const { files, bytes, packs, sealed, leftOut, origins } = gives;
  const others =
    origins.length === 0
      ? ""
      : `; so also what ${origins.length === 1 ? "an older snapshot has" : "older snapshots have"} in them: ${origins.join(", ")}`;
  return [
    ["share", ticket.tid],
    ["of", `${ticket.node}, ${ticket.snapshot}`],
    ["until", formatTime(ticket.exp * 1000)],
    ["gives", `all names and paths, and ${formatBytes(bytes)} in ${counted(files, "file")}`],
    ["", `it opens ${counted(packs, "pack")}, ${formatBytes(sealed)}, whole${others}`],
    ["left out", leftOut === 0 ? "nothing" : `secret files, in ${counted(leftOut, "pack")}`],
    ["revoke", `coldkeep share revoke ${ticket.tid}: ends downloads; what was fetched stays readable`],
  ];
}
