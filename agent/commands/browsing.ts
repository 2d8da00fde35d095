import { selectSnapshot } from "../../keeper/index.ts";
import { openTree, type Tree } from "../browse/index.ts";
import type { Call } from "./define.ts";
import type { IdentityFlags } from "./identity-flag.ts";
import { openVault } from "./opened.ts";
import { openingOf } from "./opening.ts";
import { selectionOf } from "./selection.ts";
import { openSession, scopeOf } from "./session.ts";

/** The node a call is about, and what opens its snapshots to be looked at; keys are read once a call. */
export async function openBrowsing(call: Call<IdentityFlags>) {
  const session = openSession(call);
  const { config, node } = session;
  const store = await openVault(config, call, "read");
  const scope = { store, ...scopeOf(config, node.name) };
  const opening = await openingOf(session, store, call);
  return {
    node: node.name,
    store,
    scope,
    openAs: (snapshot: Parameters<typeof opening>[0]): Promise<Tree> => openTree(opening(snapshot)),
    /** The one that is meant by an id, its beginning, or nothing: the latest. */
    open: async (id: string | undefined): Promise<Tree> => {
      const { snapshot } = await selectSnapshot({ ...scope, selection: selectionOf(id, {}) });
      return openTree(opening(snapshot));
    },
  };
}
