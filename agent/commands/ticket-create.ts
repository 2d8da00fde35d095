import { resolve } from "node:path";
import { type IssuedTicket, selectSnapshot } from "../../keeper/index.ts";
import { writeKey } from "../keys/index.ts";
import { facts, formatTime } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { beginIssuing } from "./issue.ts";
import { type OneLiner, oneLinerOf } from "./restore-line.ts";
import type { TicketCreateFlags } from "./ticket-create.command.ts";

/** `coldkeep ticket create`. */
export async function run(call: Call<TicketCreateFlags>): Promise<Answer> {
  const { flags } = call;
  const { session, store, scope, issue, putAgent } = await beginIssuing(call);
  const { node } = session;
  const chosen =
    flags.snapshot === undefined
      ? null
      : await selectSnapshot({ store, ...scope, selection: { by: "id", id: flags.snapshot } });
  const agent = await putAgent();
  const made = await issue({
    kind: "restore",
    ...(chosen === null ? {} : { snapshot: chosen.snapshot }),
    ...(flags.minSeq === undefined ? {} : { minSeq: flags.minSeq }),
  });
  const file = flags.to === undefined ? null : resolve(flags.to);
  if (file !== null) writeKey(file, `${made.text}\n`);
  const line = oneLinerOf({ node: node.name, from: flags.from, agent, file: file ?? "coldkeep.ticket", share: false });
  return answerOf(made, file, line);
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
