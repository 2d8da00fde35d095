import { type Dir, type Dirent, lstatSync, opendir, readdir, type Stats } from "node:fs";

/** A folder whose tree somebody will look at soon. Paths are latin1, one character a byte. */
export interface TreeAhead {
  /** Absolute. */
  readonly path: string;
  /** True for folders, by their path below the root, that nobody will look at. */
  readonly omits: (path: string) => boolean;
}

export interface TreePrefetch {
  /** Asks for nothing more; what is under way ends by itself. */
  end(): void;
  /** Kept once nothing is left to ask for, and nothing under way. */
  readonly through: Promise<void>;
}

/** The calls it makes. */
export interface TreeCalls {
  lstat(path: Buffer): Stats | undefined;
  readdir: (path: Buffer, options: typeof NAMES, take: (error: Error | null, entries: Dirent[]) => void) => void;
  opendir: (path: Buffer, options: typeof SOME_NAMES, take: (error: Error | null, dir: Dir) => void) => void;
}

/** Folders asked for at once: for each of Node's threads the one it is at and one more. */
const AT_ONCE = 8;
/** Folders that wait for their turn; what is found beyond them is left to whoever comes for it. */
const MOST_FOLDERS = 8192;
/** The names of a larger folder are not asked for in one piece: there may be millions. Bytes. */
const SMALL_FOLDER = 64 * 1024;
/** Names taken of a large folder at a time. */
const NAMES_AT_ONCE = 512;

const NAMES = { encoding: "latin1", withFileTypes: true } as const;
const SOME_NAMES = { encoding: "latin1", bufferSize: NAMES_AT_ONCE } as const;
const SYSTEM: TreeCalls = {
  lstat: (path) => lstatSync(path, { throwIfNoEntry: false }),
  readdir,
  opendir,
};

interface Folder {
  readonly tree: TreeAhead;
  /** The device of its root; null: it is the root. */
  readonly device: number | null;
  /** Below the root; "" is the root. */
  readonly path: string;
}

interface OpenFolder extends Folder {
  readonly dir: Dir;
}

/**
 * Looks at all folders and files below some, in about the order of names, so that the kernel has their inodes and the
 * folders' blocks in memory when somebody else looks: a cold disk answers several questions in the time of one. Reads no
 * file's data, crosses no file system, follows no symlink. Whatever cannot be looked at is passed over. What it holds is
 * bounded, however large the tree.
 */
export function prefetchTree(trees: readonly TreeAhead[], calls: TreeCalls = SYSTEM): TreePrefetch {
  const { promise: through, resolve } = Promise.withResolvers<void>();
  const folders: (Folder | OpenFolder)[] = trees.map((tree) => ({ tree, device: null, path: "" })).reverse();
  let busy = 0;
  let ended = false;

  function goOn(): void {
    while (!ended && busy < AT_ONCE) {
      const folder = folders.pop();
      if (folder === undefined) break;
      if ("dir" in folder) takeSome(folder);
      else enter(folder);
    }
    if (busy === 0) resolve();
  }

  function done(): void {
    busy -= 1;
    goOn();
  }

  function enter({ tree, device, path }: Folder): void {
    const whole = wholePath(tree, path);
    const found = look(whole);
    if (found === null || !found.isDirectory()) return;
    if (device !== null && found.dev !== device) return;
    const folder = { tree, device: found.dev, path };
    busy += 1;
    // Some file systems tell no size.
    if (found.size > 0 && found.size <= SMALL_FOLDER) {
      calls.readdir(toBytes(whole), NAMES, (error, entries) => {
        if (error === null) take(folder, entries);
        done();
      });
      return;
    }
    calls.opendir(toBytes(whole), SOME_NAMES, (error, dir) => {
      if (error === null) takeSome({ ...folder, dir });
      done();
    });
  }

  /** Of a large folder; comes back for the rest when that was looked at. */
  function takeSome(folder: OpenFolder): void {
    const { dir } = folder;
    const entries: Dirent[] = [];
    busy += 1;
    const read = () =>
      dir.read((error, entry) => {
        if (entry !== null && error === null) {
          entries.push(entry);
          if (!ended && entries.length < NAMES_AT_ONCE) return read();
        }
        const isLast = ended || error !== null || entry === null;
        if (!isLast) folders.push(folder);
        take(folder, entries);
        if (isLast) dir.close(done);
        else done();
      });
    read();
  }

  function take({ tree, device, path }: Folder, entries: readonly Dirent[]): void {
    const inside: string[] = [];
    for (const entry of entries) {
      if (ended) return;
      const below = path === "" ? entry.name : `${path}/${entry.name}`;
      // An inode comes with many of its neighbours, so few of these looks have to wait.
      if (!entry.isDirectory()) look(wholePath(tree, below));
      else if (!tree.omits(below)) inside.push(below);
    }
    for (const below of inside.sort().reverse()) {
      if (folders.length < MOST_FOLDERS) folders.push({ tree, device, path: below });
    }
  }

  /** Null for what is gone, and for what cannot be looked at. */
  function look(path: string): Stats | null {
    try {
      return calls.lstat(toBytes(path)) ?? null;
    } catch {
      return null;
    }
  }

  goOn();
  return {
    through,
    end() {
      if (ended) return;
      ended = true;
      for (const folder of folders.splice(0)) {
        if (!("dir" in folder)) continue;
        busy += 1;
        folder.dir.close(done);
      }
      goOn();
    },
  };
}

function wholePath({ path: root }: TreeAhead, path: string): string {
  if (path === "") return root;
  return root === "/" ? `/${path}` : `${root}/${path}`;
}

function toBytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}
