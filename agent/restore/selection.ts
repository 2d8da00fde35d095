import type { ManifestEntry } from "../../vault/sealed/types.ts";
import type { EntrySource } from "../open/index.ts";
import { type BytePath, fromBytes } from "./byte-path.ts";

/** An entry that is to be restored, its paths as keys. */
export interface SelectedEntry {
  readonly entry: ManifestEntry;
  readonly path: BytePath;
  /** A hardlink's or symlink's target. */
  readonly target: BytePath | null;
}

/**
 * Which file stands in for a hardlinked one that is itself left out: by the path left out, the first link selected.
 * Filled by `survey` on the first walk, used on all later ones.
 */
export type StandIns = Map<BytePath, BytePath>;

/**
 * The entries to restore, in order, a segment at a time. Directories that only lead to something selected come along,
 * just before the first thing they lead to.
 */
export async function* walkSelected(
  source: EntrySource,
  selects: (path: BytePath) => boolean,
  standIns: StandIns,
): AsyncGenerator<SelectedEntry[]> {
  /** Directories on the way to here; null once they were given out. */
  const way: { readonly path: BytePath; pending: SelectedEntry | null }[] = [];
  const leftOut = new Map<BytePath, ManifestEntry[]>();

  for await (const segment of source.segments()) {
    const batch: SelectedEntry[] = [];
    const give = (selected: SelectedEntry) => {
      for (const step of way) {
        if (step.pending !== null) batch.push(step.pending);
        step.pending = null;
      }
      batch.push(selected);
    };
    for (const entry of segment) {
      const path = fromBytes(entry.path);
      const target = entry.target === undefined ? null : fromBytes(entry.target);
      for (let last = way.at(-1); last !== undefined && !path.startsWith(`${last.path}/`); last = way.at(-1)) way.pop();
      const selected = selects(path);
      if (entry.type === "directory") {
        const self: SelectedEntry = { entry, path, target };
        if (selected) give(self);
        way.push({ path, pending: selected ? null : self });
        continue;
      }
      if (!selected) {
        if (standIns.has(path)) leftOut.set(path, [...(leftOut.get(path) ?? []), entry]);
        continue;
      }
      const standIn = target === null || entry.type !== "hardlink" ? undefined : standIns.get(target);
      const content = standIn === path && target !== null ? leftOut.get(target) : undefined;
      if (content === undefined) give({ entry, path, target: standIn ?? target });
      else for (const part of content) give({ entry: { ...part, path: entry.path }, path, target: null });
    }
    yield batch;
  }
}
