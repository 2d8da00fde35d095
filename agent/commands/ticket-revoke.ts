import { revokeTicket } from "../../keeper/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { openVault } from "./opened.ts";
import { readConfig } from "./session.ts";

/** `coldkeep ticket revoke` and `coldkeep share revoke`. */
export async function run(call: Call, tid: string): Promise<Answer> {
  const store = await openVault(readConfig(call), call, "write");
  const { ticket, changed } = await revokeTicket(store, tid, call.io.clock.now());
  const knows = ticket.kind === "share" ? " What was downloaded by then stays readable to whoever has the token." : "";
  return {
    document: { tid, node: ticket.node, kind: ticket.kind, changed },
    text: changed ? `${tid} is revoked; presenters know within a minute.${knows}` : `${tid} was revoked already.`,
  };
}
