import { indexSnapshots, markSnapshot, selectSnapshot } from "../../keeper/index.ts";
import type { IndexEntry, Mark } from "../../vault/card/index.ts";
import type { Call } from "./define.ts";
import { openVault } from "./opened.ts";
import { selectionOf } from "./selection.ts";
import { openSession, scopeOf } from "./session.ts";

type MarkState = Pick<Mark, "pinned" | "reason" | "tags" | "forgotten">;

/** Says something new of a snapshot, and takes it into the index. */
export async function markOne(
  call: Call,
  id: string,
  change: (before: MarkState) => MarkState,
): Promise<{ readonly entry: IndexEntry; readonly changed: boolean }> {
  const { config, node } = openSession(call);
  const store = await openVault(config, call, "write");
  const scope = { store, ...scopeOf(config, node.name) };
  const found = await selectSnapshot({ ...scope, selection: selectionOf(id, {}) });
  const { snapshot } = found;
  const changed = (await markSnapshot({ ...scope, snapshot, change })) !== null;
  const { entries } = await indexSnapshots({ ...scope, ids: [snapshot] });
  return { entry: entries[0] ?? found, changed };
}
