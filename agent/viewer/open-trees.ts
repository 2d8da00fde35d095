import type { NodeName, SnapshotId } from "../../vault/names/index.ts";
import type { Library, Opened } from "./types.ts";

/** Snapshots kept open: each holds pieces of its list of files, up to some 50 MB. */
const MOST = 2;

/** Snapshots that are being looked into. What is not used for a while is forgotten, and the keys with it. */
export interface OpenTrees {
  /** Opens it, or gives the one that is open, for as long as `use` takes. */
  with<T>(node: NodeName, snapshot: SnapshotId, use: (opened: Opened) => Promise<T>): Promise<T>;
  close(): void;
}

/** @param idle milliseconds without any use after which everything is forgotten; `forgot` is told */
export function makeOpenTrees(library: Library, idle: number, forgot: () => void): OpenTrees {
  const open = new Map<string, Promise<Opened>>();
  let users = 0;
  let timer: NodeJS.Timeout | null = null;

  function forget(): void {
    open.clear();
    library.forget();
  }

  function opened(node: NodeName, snapshot: SnapshotId): Promise<Opened> {
    const name = `${node} ${snapshot}`;
    const found = open.get(name) ?? library.open(node, snapshot);
    // The latest used is the last: the first goes.
    open.delete(name);
    open.set(name, found);
    for (const other of [...open.keys()].slice(0, -MOST)) open.delete(other);
    // What did not open is tried anew.
    found.catch(() => open.delete(name));
    return found;
  }

  function rest(): void {
    timer = setTimeout(() => {
      forget();
      forgot();
    }, idle);
    timer.unref();
  }

  // Keys were read before anybody came.
  rest();
  return {
    with: async (node, snapshot, use) => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      users += 1;
      try {
        return await use(await opened(node, snapshot));
      } finally {
        users -= 1;
        if (users === 0) rest();
      }
    },
    close: () => {
      if (timer !== null) clearTimeout(timer);
      forget();
    },
  };
}
