import { type EntrySource, makeGatherer, type PackTable } from "../open/index.ts";
import type { BytePath } from "./byte-path.ts";
import { type Selects, type StandIns, walkSelected } from "./selection.ts";

/** What a restore of the selected entries comes to; found by walking all of them once. */
export interface Survey {
  files: number;
  directories: number;
  hardlinks: number;
  symlinks: number;
  /** Logical bytes. */
  bytes: number;
  /** Bytes of all files that are no holes. */
  data: number;
  /** What will be asked of the vault: sealed bytes, requests, and the plain bytes they hold. */
  readonly fetch: { bytes: number; requests: number; plain: number };
  /** By root: what it takes on disk. */
  readonly roots: Map<string, { allocated: number; inodes: number }>;
  readonly standIns: StandIns;
}

/** What file systems give out at least. */
const BLOCK = 4096;

/** @throws ColdkeepError `integrity` for a hostile or damaged list of files, before anything was done with it. */
export async function survey(source: EntrySource, packs: PackTable, selects: Selects): Promise<Survey> {
  const found = await walkOnce(source, packs, selects, new Map());
  // The content that stand-ins bring along was passed by before it was known to be wanted.
  return found.standIns.size === 0 ? found : walkOnce(source, packs, selects, found.standIns);
}

async function walkOnce(source: EntrySource, packs: PackTable, selects: Selects, standIns: StandIns): Promise<Survey> {
  const found: Survey = {
    files: 0,
    directories: 0,
    hardlinks: 0,
    symlinks: 0,
    bytes: 0,
    data: 0,
    fetch: { bytes: 0, requests: 0, plain: 0 },
    roots: new Map(),
    standIns,
  };
  const gatherer = makeGatherer<null>(packs);
  const count = () => {
    for (const range of gatherer.take()) {
      found.fetch.bytes += range.length;
      found.fetch.plain += range.plain;
      found.fetch.requests += 1;
    }
  };
  for await (const batch of walkSelected(source, selects, standIns)) {
    for (const { entry, path, target } of batch) {
      const root = rootOf(found, path);
      if (entry.type === "hardlink") {
        found.hardlinks += 1;
        if (target !== null && !selects(target, entry, null) && !standIns.has(target)) standIns.set(target, path);
        continue;
      }
      if (entry.from === undefined) root.inodes += 1;
      if (entry.type === "directory") found.directories += 1;
      if (entry.type === "symlink") found.symlinks += 1;
      if (entry.type !== "file") root.allocated += BLOCK;
      else {
        if (entry.from === undefined) {
          found.files += 1;
          found.bytes += entry.size;
        }
        for (const piece of entry.pieces) {
          if ("hole" in piece) continue;
          found.data += piece.plain;
          root.allocated += Math.ceil(piece.plain / BLOCK) * BLOCK;
          gatherer.add(piece, null);
          if (gatherer.full) count();
        }
      }
    }
  }
  count();
  return found;
}

function rootOf(found: Survey, path: BytePath) {
  const slash = path.indexOf("/");
  const name = slash < 0 ? path : path.slice(0, slash);
  let root = found.roots.get(name);
  if (root === undefined) {
    root = { allocated: 0, inodes: 0 };
    found.roots.set(name, root);
  }
  return root;
}
