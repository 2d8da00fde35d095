import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  statfsSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { copyFileSteps, tryReflink } from "../../posix/copy.ts";
import { fsyncFolder } from "../../posix/durable.ts";
import { mountIdOf } from "../../posix/mounts.ts";
import { fromSystemError, showPath } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";
import { below, fromBytes, fromText, type Latin1, toBytes } from "./bytes.ts";
import { hasHonestTimes, volumeOf } from "./fingerprint.ts";
import { type Abilities, meansOf, usedOf } from "./means.ts";
import type { Means } from "./records.ts";
import { makeSpool, type SpoolListener } from "./spool.ts";
import type { FreezeRoot, SharedCopies } from "./types.ts";

/** The folder that frozen trees lie in; nothing of this name is ever captured. */
export const FREEZE_FOLDER = ".coldkeep-freeze";

/** A root and where its frozen tree will lie. Nothing exists yet. */
export interface PlannedPlace {
  readonly root: FreezeRoot;
  /** Real path of the root, and its device. */
  readonly path: Latin1;
  readonly dev: bigint;
  /** What the root's file system is known by again after a boot that gave its device another number. */
  readonly volume: string;
  /** Folder of all frozen trees there; of this run; of this root in it. */
  readonly base: Latin1;
  readonly run: Latin1;
  readonly tree: Latin1;
}

/** Where a copy lies: `offset` bytes into the file of that number. */
export interface FrozenCopy {
  readonly number: number;
  readonly offset: number;
  readonly means: Means;
}

/** What a copy is made of. */
export interface CopiedFile {
  /** As it was seen. */
  readonly size: number;
  readonly sparse: boolean;
  /** Whether those who are told of copies may hear of it: not of what is secret, or may turn out to be. */
  readonly told: boolean;
}

/** A frozen tree under construction: files by number, so that no name or depth of the root's can be in the way. */
export interface FrozenPlace extends PlannedPlace {
  /** The file system has reflinks: a copy takes neither time nor space. */
  readonly reflinks: boolean;
  /** The device of `path` where that is a snapshot: what lies there counts as lying on `dev`, which it was taken of. */
  readonly readDev?: bigint;
  /** A file there that has its ctime has its content. */
  readonly honestTimes: boolean;
  /** By the file system's own clock, now; nanoseconds since the epoch. */
  now(): bigint;
  /** Bytes this process may still write there. */
  free(): number;
  /** Makes a new hard link; null where this file or file system cannot have one. @throws the system's error. */
  link(from: Latin1): number | null;
  /** Makes a copy of the data, by reflink where possible. @throws the system's error. */
  copy(from: Latin1, file: CopiedFile): Generator<void, FrozenCopy>;
  /** Hands on what is held back in memory; before that, not everything can be read. @throws the system's error. */
  flush(): void;
  /** From now on, `listen` is told of small copies as soon as they can be read; but those that are not to be told. */
  tellCopies(listen: (copies: SharedCopies) => void): void;
  /** The same object for the same number as in the call before. */
  pathOf(number: number): Buffer;
  /** Whether that number's file is the one that small copies share. */
  isShared(number: number): boolean;
}

/**
 * Where the root's frozen tree can lie: as configured, else beside the root, else (where the root is a mount point)
 * inside it. Hard links need the very same mount.
 * @throws ColdkeepError `not-found`, `config` where no such place is there, `permission`.
 */
export function planPlace(root: FreezeRoot, run: string): PlannedPlace {
  const path = realPath(root);
  const here = deviceOf(path);
  const parent = path.slice(0, Math.max(1, path.lastIndexOf("/")));
  const bases =
    root.freezeDir === undefined
      ? [below(parent, FREEZE_FOLDER), below(path, FREEZE_FOLDER)]
      : [fromText(root.freezeDir)];
  const base = bases.find((folder) => {
    const there = deviceOf(nearestFolder(folder));
    return there.dev === here.dev && there.mount === here.mount;
  });
  if (base === undefined) {
    throw new ColdkeepError("config", {
      what: "the frozen tree cannot lie there",
      on: root.freezeDir ?? root.path,
      why: `it is not on the file system (and mount) of ${root.path}, so files cannot be linked into it`,
      todo: "set freeze_dir to a folder on the same file system, or leave it out",
    });
  }
  const folder = below(base, fromText(run));
  const { dev, volume } = here;
  return { root, path, dev, volume, base, run: folder, tree: below(folder, fromText(root.name)) };
}

/** Makes the folders. @throws ColdkeepError `busy` where a tree of this run is there; `permission`, `no-space`. */
export function makePlace(planned: PlannedPlace): FrozenPlace {
  const { base, run, tree } = planned;
  try {
    mkdirSync(toBytes(base), { recursive: true, mode: 0o700 });
    mkdirSync(toBytes(run), { recursive: true, mode: 0o700 });
    mkdirSync(toBytes(tree), { mode: 0o700 });
    const probe = toBytes(below(tree, "probe"));
    writeFileSync(probe, "coldkeep", { flag: "wx", mode: 0o600 });
    const clone = toBytes(below(tree, "clone"));
    const means = meansOf([planned.root]);
    const can = { reflink: tried(tryReflink(probe, clone), clone), link: tried(tryLink(probe, clone), clone) };
    return operations(planned, probe, usedOf(means, can, base));
  } catch (error) {
    throw fromSystemError(error, { what: "cannot make the frozen tree", on: toBytes(tree), otherwise: "internal" });
  }
}

function tried(worked: boolean, made: Buffer): boolean {
  if (worked) unlinkSync(made);
  return worked;
}

function tryLink(from: Buffer, to: Buffer): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}

/** Files in one folder of the frozen tree. */
const SHARD = 1024;

function operations(planned: PlannedPlace, probe: Buffer, use: Abilities): FrozenPlace {
  const tree = toBytes(planned.tree);
  const reflinks = use.reflink;
  let last = 0;
  let links = use.link;
  let told = { number: 0, path: tree };
  function pathOf(number: number): Buffer {
    if (told.number === number) return told.path;
    const path = Buffer.concat([
      tree,
      Buffer.from(`/${Math.floor(number / SHARD).toString(16)}/${number.toString(16)}`),
    ]);
    told = { number, path };
    return path;
  }

  function next(): number {
    last += 1;
    if (last === 1 || last % SHARD === 0) {
      mkdirSync(Buffer.concat([tree, Buffer.from(`/${Math.floor(last / SHARD).toString(16)}`)]), { mode: 0o700 });
    }
    return last;
  }

  let spoolNumber = 0;
  function spooled(): number {
    if (spoolNumber === 0) spoolNumber = next();
    return spoolNumber;
  }
  let listener: SpoolListener | null = null;
  const spool = makeSpool(
    () => {
      const path = pathOf(spooled());
      writeFileSync(path, "", { flag: "wx", mode: 0o600 });
      return path;
    },
    () => listener,
  );

  return {
    ...planned,
    reflinks,
    honestTimes: hasHonestTimes(planned.tree),
    now() {
      writeFileSync(probe, "coldkeep");
      return lstatSync(probe, { bigint: true }).mtimeNs;
    },
    free() {
      const { bavail, bsize } = statfsSync(tree);
      return bavail * bsize;
    },
    link(from) {
      if (!links) return null;
      const number = next();
      try {
        linkSync(toBytes(from), pathOf(number));
        return number;
      } catch (error) {
        const code = systemCode(error) ?? "";
        // EPERM is told of single files, too (immutable flag, fs.protected_hardlinks): the next one may go.
        if (["ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(code)) links = false;
        if (!links || ["EPERM", "EMLINK", "EXDEV", "EACCES"].includes(code)) return null;
        throw error;
      }
    },
    *copy(from, { size, sparse, told }) {
      const offset = reflinks || sparse ? null : spool.add(from, size, told);
      if (offset !== null) return { number: spooled(), offset, means: "copy" };
      const number = next();
      const options = { reflink: reflinks, metadata: false };
      const { reflinked } = yield* copyFileSteps(toBytes(from), pathOf(number), options);
      return { number, offset: 0, means: reflinked ? "reflink" : "copy" };
    },
    flush: spool.flush,
    tellCopies(listen) {
      listener = (copies) => listen({ source: pathOf(spooled()), ...copies });
    },
    pathOf,
    isShared: (number) => number === spoolNumber && number > 0,
  };
}

/**
 * Removes a run's frozen trees, pausing now and then so that signals are heard; then the folder of all of them, if
 * nothing else is in it. They are gone for good when it returns. What is gone already is no error; symlinks are removed,
 * never followed.
 * @throws ColdkeepError `permission`, else `internal`.
 */
export async function removeRun(run: Latin1, pause: () => Promise<void>): Promise<void> {
  const on = toBytes(run);
  try {
    let steps = 0;
    for (const _ of removeTree(on)) {
      steps += 1;
      if (steps % 2048 === 0) await pause();
    }
  } catch (error) {
    throw fromSystemError(error, { what: "cannot remove a frozen tree", on, otherwise: "internal" });
  }
  const base = run.slice(0, run.lastIndexOf("/"));
  // A configured folder stays.
  const gone = base.endsWith(`/${FREEZE_FOLDER}`) && tryRemove(base);
  try {
    // The journal is what knows of it, and must not be gone for good before it.
    fsyncFolder(toBytes(nearestFolder(gone ? base.slice(0, Math.max(1, base.lastIndexOf("/"))) : base)));
  } catch (error) {
    throw fromSystemError(error, { what: "cannot remove a frozen tree", on, otherwise: "internal" });
  }
}

/** False where other nodes' trees are in it. */
function tryRemove(base: Latin1): boolean {
  try {
    rmdirSync(toBytes(base));
    return true;
  } catch {
    return false;
  }
}

function* removeTree(folder: Buffer): Generator<void> {
  let names: { name: Buffer; isDirectory(): boolean }[];
  try {
    if (!lstatSync(folder).isDirectory()) throw new Error(`${showPath(folder)} is no folder`);
    names = readdirSync(folder, { encoding: "buffer", withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  for (const entry of names) {
    const path = Buffer.concat([folder, Buffer.from("/"), entry.name]);
    if (entry.isDirectory()) yield* removeTree(path);
    else {
      ifThere(() => unlinkSync(path));
      yield;
    }
  }
  ifThere(() => rmdirSync(folder));
}

function ifThere(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}

function realPath(root: FreezeRoot): Latin1 {
  try {
    const path = realpathSync.native(root.path, { encoding: "buffer" });
    if (lstatSync(path).isDirectory()) return fromBytes(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") {
      throw fromSystemError(error, { what: "cannot read a root", on: root.path, otherwise: "internal" });
    }
  }
  throw new ColdkeepError("not-found", {
    what: "a root is no folder",
    on: root.path,
    why: "it does not exist, or is something else",
    todo: "correct its path in the configuration, or mount its disk",
  });
}

/** The folder itself, or the nearest above it that is there. */
export function nearestFolder(path: Latin1): Latin1 {
  let at = path;
  while (at.length > 1 && lstatSync(toBytes(at), { throwIfNoEntry: false }) === undefined) {
    at = at.slice(0, Math.max(1, at.lastIndexOf("/")));
  }
  return at;
}

function deviceOf(path: Latin1): { readonly dev: bigint; readonly volume: string; readonly mount: number } {
  try {
    const fd = openSync(toBytes(path), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const info = fstatSync(fd, { bigint: true });
      return { dev: info.dev, volume: volumeOf(info), mount: mountIdOf(fd) };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fromSystemError(error, { what: "cannot read a folder", on: toBytes(path), otherwise: "internal" });
  }
}
