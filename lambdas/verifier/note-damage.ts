import {
  DAMAGES_TOLD,
  damagesOf,
  damageWords,
  type IndexStore,
  indexSnapshots,
  type KeylessVerdict,
} from "../../keeper/index.ts";
import type { IndexEntry } from "../../vault/card/index.ts";
import type { NodeName, SnapshotId } from "../../vault/names/index.ts";

/** What was found of snapshots that the index calls good or damaged, where it is not what the index says. */
export type Looked = Map<SnapshotId, readonly string[]>;

/** Objects that were found damaged before: what they hold is compared again, until they are whole. */
export function suspectsOf(entries: readonly IndexEntry[]): ReadonlySet<string> {
  const damages = entries.filter(({ state }) => state === "damaged").flatMap(damagesOf);
  return new Set(damages.map((words) => words.split(": ", 1)[0] ?? ""));
}

/** Keeps a verdict for the index, if it has to say something else from now on. */
export function lookAt(looked: Looked, { snapshot, damages }: KeylessVerdict, state: IndexEntry["state"]): void {
  const words = damages.slice(0, DAMAGES_TOLD).map(damageWords);
  if (state === "good" && words.length > 0) looked.set(snapshot, words);
  if (state === "damaged") looked.set(snapshot, words);
}

/** Tells the index: what is damaged is listed as such, and is no latest and no parent any more. */
export async function noteDamage(store: IndexStore, node: NodeName, looked: Looked): Promise<void> {
  if (looked.size > 0) await indexSnapshots({ store, node, ids: [...looked.keys()], looked });
}
