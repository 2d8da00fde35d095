import { type ListedTicket, listTickets } from "../../keeper/index.ts";
import { formatTime, table } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { openVault } from "./opened.ts";
import { openSession } from "./session.ts";
import type { TicketListFlags } from "./ticket-list.command.ts";

/** `coldkeep ticket list`. */
export const tickets = (call: Call<TicketListFlags>) => list(call, "restore");

/** `coldkeep publish list`. */
export const published = (call: Call<TicketListFlags>) => list(call, "share", ({ url }) => url !== undefined);

/** `coldkeep share list`. */
export const shares = (call: Call<TicketListFlags>) => list(call, "share");

async function list(
  call: Call<TicketListFlags>,
  kind: "restore" | "share",
  wanted: (ticket: ListedTicket) => boolean = () => true,
): Promise<Answer> {
  const { flags, io, progress } = call;
  const { config, node } = openSession(call);
  const store = await openVault(config, call, "read");
  const all = await listTickets(store, node.name, io.clock.now(), progress);
  const found = all.filter(
    (ticket) => ticket.kind === kind && wanted(ticket) && (flags.all === true || ticket.state === "valid"),
  );
  const pages = found.some(({ url }) => url !== undefined) ? [{ title: "PUBLISHED AT" }] : [];
  const what = kind === "share" ? "share" : "ticket";
  const text =
    found.length === 0
      ? `There is no ${what} of ${node.name}${flags.all === true ? "" : " that is good now"}.`
      : table(
          [{ title: "ID" }, { title: "STATE" }, { title: "MADE" }, { title: "UNTIL" }, { title: "SNAPSHOT" }, ...pages],
          found.map(({ tid, state, iat, exp, snapshot, min_seq, url }) => [
            tid,
            state,
            formatTime(iat * 1000),
            formatTime(exp * 1000),
            snapshot ?? (min_seq === undefined ? "any" : `from number ${min_seq} on`),
            ...(url === undefined ? [] : [url]),
          ]),
        );
  return { document: { node: node.name, [`${what}s`]: found }, text };
}
