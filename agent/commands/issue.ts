import { resolve } from "node:path";
import { type IssuedTicket, type IssueOptions, issueTicket } from "../../keeper/index.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { DURATION_FORM, parseDuration } from "../config/index.ts";
import type { Call } from "./define.ts";
import type { IssueFlags } from "./issue-flags.ts";
import { openVault, pinnedKeyOf } from "./opened.ts";
import { putAgent } from "./restore-line.ts";
import { openSession, type Session, scopeOf } from "./session.ts";
import { ticketMacOf } from "./ticket-mac.ts";

/** What it takes to make a ticket or a share, at hand before anything is made. */
export interface Issuing {
  readonly session: Session;
  readonly store: Store;
  readonly scope: ReturnType<typeof scopeOf>;
  issue(what: Pick<IssueOptions, "kind" | "snapshot" | "minSeq" | "tid">): Promise<IssuedTicket>;
  /** Digest of the packaged coldkeep, which it puts into the vault; null where none was given. */
  putAgent(): Promise<string | null>;
}

/** @throws ColdkeepError `usage`, `config`, `key`, `permission`. */
export async function beginIssuing(call: Call<IssueFlags>): Promise<Issuing> {
  const { flags, io } = call;
  const session = openSession(call);
  const { config, node } = session;
  const lastsMs = lastingOf(flags.expires);
  const store = await openVault(config, call, "write");
  const signer = await ticketMacOf(config, call, "make");
  const scope = scopeOf(config, node.name);
  const cardKey = pinnedKeyOf(session);
  return {
    session,
    store,
    scope,
    issue: (what) =>
      issueTicket({
        ...{ store, signer, ...scope, lastsMs, now: io.clock.now(), ...what },
        ...(cardKey === undefined ? {} : { cardKey }),
      }),
    putAgent: async () => (flags.agent === undefined ? null : putAgent(store, resolve(flags.agent))),
  };
}

/** Milliseconds from a flag. @throws ColdkeepError `usage`. */
function lastingOf(text: string): number {
  const found = parseDuration(text);
  if (found !== null && found >= 1000) return found;
  throw new ColdkeepError("usage", { what: "--expires is no duration", on: JSON.stringify(text), why: DURATION_FORM });
}
