import { resolve } from "node:path";
import { type IssuedTicket, issueTicket, selectSnapshot } from "../../keeper/index.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { DURATION_FORM, parseDuration } from "../config/index.ts";
import { writeKey } from "../keys/index.ts";
import { facts, formatTime } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { openVault, pinnedKeyOf } from "./opened.ts";
import { type OneLiner, oneLinerOf, putAgent } from "./restore-line.ts";
import { openSession, scopeOf } from "./session.ts";
import type { TicketCreateFlags } from "./ticket-create.command.ts";
import { ticketMacOf } from "./ticket-mac.ts";

/** `coldkeep ticket create`. */
export async function run(call: Call<TicketCreateFlags>): Promise<Answer> {
  const { flags, io } = call;
  const session = openSession(call);
  const { config, node } = session;
  const lastsMs = lastingOf(flags.expires);
  const store = await openVault(config, call, "write");
  const signer = await ticketMacOf(config, call, "make");
  const scope = scopeOf(config, node.name);
  const chosen =
    flags.snapshot === undefined
      ? null
      : await selectSnapshot({ store, ...scope, selection: { by: "id", id: flags.snapshot } });
  const agent = flags.agent === undefined ? null : await putAgent(store, resolve(flags.agent));
  const cardKey = pinnedKeyOf(session);
  const made = await issueTicket({
    store,
    signer,
    ...scope,
    ...(chosen === null ? {} : { snapshot: chosen.snapshot }),
    ...(flags.minSeq === undefined ? {} : { minSeq: flags.minSeq }),
    ...(cardKey === undefined ? {} : { cardKey }),
    kind: "restore",
    lastsMs,
    now: io.clock.now(),
  });
  const file = flags.to === undefined ? null : resolve(flags.to);
  if (file !== null) writeKey(file, `${made.text}\n`);
  const line = oneLinerOf({ node: node.name, from: flags.from, agent, file: file ?? "coldkeep.ticket", share: false });
  return answerOf(made, file, line);
}

/** Milliseconds from a flag. @throws ColdkeepError `usage`. */
export function lastingOf(text: string): number {
  const found = parseDuration(text);
  if (found !== null && found >= 1000) return found;
  throw new ColdkeepError("usage", { what: "--expires is no duration", on: JSON.stringify(text), why: DURATION_FORM });
}

function answerOf({ ticket, text }: IssuedTicket, file: string | null, line: OneLiner | null): Answer {
  const { tid, node, snapshot, min_seq, exp } = ticket;
  const rows: (readonly [string, string])[] = [
    ["ticket", tid],
    ["for", `${node}, ${snapshot ?? (min_seq === undefined ? "any snapshot" : `snapshots from number ${min_seq} on`)}`],
    ["until", formatTime(exp * 1000)],
    ["opens", "nothing by itself: a restore takes one of the node's keys, too"],
    ["revoke", `coldkeep ticket revoke ${tid}`],
  ];
  if (file !== null) rows.push(["file", `${file}: hand it over on a safe way`]);
  const where = file === null ? `\n\n${text}` : "";
  const words = line === null ? "" : `\n\n${line.words}`;
  return {
    document: {
      ticket: { ...ticket },
      ...(file === null ? { text } : { file }),
      ...(line === null
        ? {}
        : { line: line.line, ...(line.script === undefined ? {} : { script_sha256: line.script }) }),
    },
    text: `${facts(rows)}${where}${words}`,
  };
}
