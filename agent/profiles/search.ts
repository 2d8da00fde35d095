import type { FolderView, Look, RootView } from "./types.ts";

/** Folders that are looked at, and how deep, before a search gives up: no node has its databases deeper. */
const MOST_FOLDERS = 2_000;
const DEEPEST = 8;

/** A folder below a root that a search came to. */
export interface Met extends FolderView {
  readonly root: RootView;
  /** Absolute. */
  readonly folder: string;
}

/** Folders below the roots, the upper ones first; a bound on how many keeps a look at a wrong place short. */
export function* foldersIn(look: Look, roots: readonly RootView[]): Generator<Met> {
  const queue = roots.map((root) => ({ root, path: "", depth: 0 }));
  for (let met = 0; met < queue.length && met < MOST_FOLDERS; met += 1) {
    const next = queue[met];
    if (next === undefined) return;
    const { root, path, depth } = next;
    const folder = path === "" ? root.path : `${root.path}/${path}`;
    const names = look.list(folder);
    if (names === null) continue;
    yield { root, path, folder, files: names.filter((name) => !name.endsWith("/")) };
    if (depth === DEEPEST) continue;
    for (const name of names) {
      if (!name.endsWith("/")) continue;
      const child = name.slice(0, -1);
      queue.push({ root, path: path === "" ? child : `${path}/${child}`, depth: depth + 1 });
    }
  }
}

/** "1 database", "3 databases". */
export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
