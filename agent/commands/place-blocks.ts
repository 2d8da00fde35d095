import {
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  utimesSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";
import type { NodeSettings } from "../config/index.ts";
import type { Finding } from "../profiles/index.ts";
import { findingOf } from "./look.ts";

/** The root that a snapshot of a node with two folders for block files has, as `init` calls it. */
const TMP = "tmp";
const BLOCKS = /^\d{20}\.fdb(?:\.END)?$/;

/**
 * Where the second folder of a snapshot goes on a host whose node keeps all block files in one: beside that, from where
 * `arrangeBlocks` moves them.
 */
export function tmpTarget(node: NodeSettings): readonly (readonly [string, string])[] {
  const folders = findingOf(node)?.blockFolders;
  if (folders === undefined || folders.live !== folders.finished || node.roots.some(({ name }) => name === TMP))
    return [];
  return [[TMP, besideOf(folders.finished)]];
}

const besideOf = (finished: string) => `${finished}.coldkeep-tmp-blocks`;

/** What was restored, and where. */
export interface Placed {
  readonly snapshot: string;
  readonly roots: readonly { readonly target: string }[];
}

/**
 * After a restore in place: puts block files where this host's node looks for them, where that is not where the
 * snapshot's node had them. Whatever is moved is whole at one of both places all the time, so that the same restore, run
 * again, ends what was cut off. Gives what it did, in words.
 * @throws ColdkeepError `refused` where two files of one name differ and none is the beginning of the other.
 */
export function arrangeBlocks({ blockFolders }: Finding, plan: Placed): string[] {
  if (blockFolders === undefined) return [];
  const { finished, live } = blockFolders;
  const has = (path: string) => plan.roots.some(({ target }) => target === path || path.startsWith(`${target}/`));
  if (live === finished) return has(besideOf(finished)) ? gather(besideOf(finished), finished) : [];
  return has(live) ? [] : spread(finished, live, plan.snapshot);
}

/** All block files of `from` to `to`; then `from` goes. */
function gather(from: string, to: string): string[] {
  let moved = 0;
  for (const chain of foldersOf(from)) {
    const target = join(to, chain, "bfdb");
    makeLike(join(from, chain, "bfdb"), target);
    for (const name of blocksIn(join(from, chain, "bfdb"))) {
      moveOver(join(from, chain, "bfdb", name), join(target, name));
      moved += 1;
    }
    for (const folder of [join(from, chain, "bfdb"), join(from, chain)]) if (existsSync(folder)) rmdirSync(folder);
  }
  rmdirSync(from);
  return [`${moved} block files were moved into ${to}: this host's node has no block_store_tmp_path`];
}

/** The live file of each chain to `live`, where what lay there is put aside. */
function spread(finished: string, live: string, snapshot: string): string[] {
  const said: string[] = [];
  for (const chain of foldersOf(finished)) {
    const source = join(finished, chain, "bfdb");
    const target = join(live, chain, "bfdb");
    const open = blocksIn(source).filter((name) => name.endsWith(".END"));
    if (open.length === 0) continue;
    const aside = join(live, `.coldkeep-before-${snapshot}-${chain}`);
    if (existsSync(join(live, chain)) && !existsSync(aside)) {
      renameSync(join(live, chain), aside);
      said.push(`what lay in ${join(live, chain)} was of another time; it is in ${aside} now`);
    }
    makeLike(source, target);
    for (const name of open) moveOver(join(source, name), join(target, name));
    said.push(`${open.join(", ")} was moved into ${target}: this host's node has a block_store_tmp_path`);
  }
  return said;
}

function foldersOf(folder: string): string[] {
  const all = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  return all.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map(({ name }) => name);
}

function blocksIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => BLOCKS.test(name)) : [];
}

/** A folder with the owner and mode of another. */
function makeLike(model: string, folder: string): void {
  if (existsSync(folder)) return;
  if (!existsSync(dirname(folder))) makeLike(dirname(model), dirname(folder));
  const { mode, uid, gid } = lstatSync(model);
  mkdirSync(folder, { mode: mode & 0o777 });
  if (process.geteuid?.() === 0) chownSync(folder, uid, gid);
}

/** Of two files of one name the whole one stays: the other is what was copied of it before a move was cut off. */
function moveOver(from: string, to: string): void {
  if (existsSync(to)) {
    if (!beginsWith(from, to)) {
      if (!beginsWith(to, from)) throw differ(from, to);
      unlinkSync(from);
      return;
    }
  }
  try {
    renameSync(from, to);
  } catch (error) {
    if (systemCode(error) !== "EXDEV") throw error;
    copyAcross(from, to);
  }
}

function copyAcross(from: string, to: string): void {
  const part = `${to}.coldkeep-part`;
  copyFileSync(from, part);
  const { uid, gid, atime, mtime } = lstatSync(from);
  if (process.geteuid?.() === 0) chownSync(part, uid, gid);
  utimesSync(part, atime, mtime);
  const fd = openSync(part, "r");
  fsyncSync(fd);
  closeSync(fd);
  renameSync(part, to);
  unlinkSync(from);
}

/** Whether all of `short` is how `long` begins. */
function beginsWith(long: string, short: string): boolean {
  const size = lstatSync(short).size;
  if (lstatSync(long).size < size) return false;
  const [a, b] = [openSync(long, "r"), openSync(short, "r")];
  try {
    const [x, y] = [Buffer.alloc(1 << 20), Buffer.alloc(1 << 20)];
    for (let at = 0; at < size; ) {
      const got = readSync(b, y, 0, y.length, at);
      if (got === 0 || readSync(a, x, 0, got, at) !== got || x.compare(y, 0, got, 0, got) !== 0) return false;
      at += got;
    }
    return true;
  } finally {
    closeSync(a);
    closeSync(b);
  }
}

function differ(from: string, to: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "two block files of one name differ",
    on: `${from} and ${to}`,
    why: "neither is the beginning of the other, so neither is a copy that was cut off",
    todo: "everything else is in place; find out which of the two is right, and remove the other",
  });
}
