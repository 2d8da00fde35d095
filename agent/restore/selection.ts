import type { ManifestEntry } from "../../vault/sealed/types.ts";
import type { EntrySource } from "../open/index.ts";
import { type BytePath, fromBytes } from "./byte-path.ts";

/** An entry that is to be restored, its paths as keys. */
export interface SelectedEntry {
  readonly entry: ManifestEntry;
  readonly path: BytePath;
  /** A hardlink's or symlink's target. */
  readonly target: BytePath | null;
  /**
   * Ordinals in the order of this walk, for files only: of the file, and of the first of its entry's pieces that is no
   * hole. Every walk with the same selection and the same stand-ins gives the same.
   */
  readonly file: number;
  readonly piece: number;
}

/**
 * Which file stands in for a hardlinked one that is itself left out: by the path left out, the first link selected.
 * Filled by `survey` on the first walk, used on all later ones.
 */
export type StandIns = Map<BytePath, BytePath>;

/** Whether an entry is to be restored; asked in order, on every walk. */
export type Selects = (path: BytePath, entry: ManifestEntry, target: BytePath | null) => boolean;

/** The same without secret files, which a share leaves out, and without further names of them. */
export function withoutSecrets(selects: Selects): Selects {
  const secret = new Set<BytePath>();
  return (path, entry, target) => {
    const isSecret = entry.secret === true || (entry.type === "hardlink" && target !== null && secret.has(target));
    if (isSecret && entry.type !== "directory") secret.add(path);
    return !secret.has(path) && selects(path, entry, target);
  };
}

/**
 * The entries to restore, in order, a segment at a time. Directories that only lead to something selected come along,
 * just before the first thing they lead to.
 */
export async function* walkSelected(
  source: EntrySource,
  selects: Selects,
  standIns: StandIns,
): AsyncGenerator<SelectedEntry[]> {
  /** Directories on the way to here; null once they were given out. */
  const way: { readonly path: BytePath; pending: SelectedEntry | null }[] = [];
  const leftOut = new Map<BytePath, ManifestEntry[]>();
  let file = -1;
  let piece = 0;

  for await (const segment of source.segments()) {
    const batch: SelectedEntry[] = [];
    const give = (entry: ManifestEntry, path: BytePath, target: BytePath | null) => {
      for (const step of way) {
        if (step.pending !== null) batch.push(step.pending);
        step.pending = null;
      }
      if (entry.type === "file" && entry.from === undefined) file += 1;
      batch.push({ entry, path, target, file, piece });
      for (const one of entry.pieces) if (!("hole" in one)) piece += 1;
    };
    for (const entry of segment) {
      const path = fromBytes(entry.path);
      const target = entry.target === undefined ? null : fromBytes(entry.target);
      for (let last = way.at(-1); last !== undefined && !path.startsWith(`${last.path}/`); last = way.at(-1)) way.pop();
      const selected = selects(path, entry, target);
      if (entry.type === "directory") {
        if (selected) give(entry, path, target);
        way.push({ path, pending: selected ? null : { entry, path, target, file, piece } });
        continue;
      }
      if (!selected) {
        if (standIns.has(path)) leftOut.set(path, [...(leftOut.get(path) ?? []), entry]);
        continue;
      }
      const standIn = target === null || entry.type !== "hardlink" ? undefined : standIns.get(target);
      const content = standIn === path && target !== null ? leftOut.get(target) : undefined;
      if (content === undefined) give(entry, path, standIn ?? target);
      else for (const part of content) give({ ...part, path: entry.path }, path, null);
    }
    yield batch;
  }
}
