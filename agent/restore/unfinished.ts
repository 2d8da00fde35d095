import { createHash } from "node:crypto";
import type { OpenedSnapshot } from "../open/index.ts";
import { journalPath, type RestoreJournal, readJournal } from "./journal.ts";
import type { RestoreOptions } from "./types.ts";

/** What an earlier restore of the node left behind without coming to an end. */
export interface Unfinished {
  readonly journal: RestoreJournal;
  /** Whether it was to become the very same: then this one goes on from it. */
  readonly same: boolean;
}

/**
 * A digest of all that decides what is staged: the snapshot and its manifest, the targets, the selection, and what
 * metadata is restored.
 */
export function boundTo({ card, manifest }: Pick<OpenedSnapshot, "card" | "manifest">, o: RestoreOptions): string {
  const parts = {
    snapshot: manifest.snapshot,
    manifest: card.core.manifest.sha256,
    targets: "to" in o.targets ? o.targets.to : [...o.targets].sort(([a], [b]) => (a < b ? -1 : 1)),
    include: o.include ?? [],
    exclude: o.exclude ?? [],
    special: o.keepSpecialBits,
    ...(o.adapted === undefined ? {} : { adapted: o.adapted }),
    user: process.getuid?.() ?? -1,
  };
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Null where no restore of this node is unfinished. @throws ColdkeepError `integrity` for a journal that is none. */
export function findUnfinished(bound: string, o: RestoreOptions): Unfinished | null {
  const journal = readJournal(journalPath(o.stateDir, o.node));
  if (journal === null) return null;
  return { journal, same: o.fresh !== true && journal.phase === "staging" && journal.bound === bound };
}
