import type { SnapshotId } from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/index.ts";
import type { OpenOptions } from "../open/index.ts";
import type { Call } from "./define.ts";
import type { IdentityFlags } from "./identity-flag.ts";
import { loadOpeners, pinnedKeyOf } from "./opened.ts";
import { type Session, scopeOf } from "./session.ts";

/** What opening any snapshot of a node takes; the keys are read once a call. */
export async function openingOf(session: Session, store: Reader, call: Call<IdentityFlags>) {
  return openingWith(session, store, call, await loadOpeners(session.config, call, call.flags.identity));
}

/** The same with keys that are at hand. */
export function openingWith(session: Session, store: Reader, call: Call, identities: OpenOptions["identities"]) {
  const pinnedKey = pinnedKeyOf(session);
  return (snapshot: SnapshotId) => ({
    store,
    ...scopeOf(session.config, session.node.name),
    snapshot,
    identities,
    ...(pinnedKey === undefined ? {} : { pinnedKey }),
    progress: call.progress,
    signal: call.io.signal,
  });
}

/** How far the writer of a snapshot is known, for people. */
export function originWords(origin: "pinned" | "first sight" | "not verified", signer: string): string {
  switch (origin) {
    case "pinned":
      return "verified: signed by the key that this host, its configuration or the ticket pins";
    case "first sight":
      return `signed by the key that claimed the node's name in the vault, fingerprint ${signer}`;
    case "not verified":
      return `NOT VERIFIED; signed by fingerprint ${signer}`;
  }
}
