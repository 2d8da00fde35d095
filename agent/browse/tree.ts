import { ColdkeepError } from "../../vault/names/index.ts";
import { comparePaths } from "../../vault/sealed/index.ts";
import type { ManifestEntry } from "../../vault/sealed/types.ts";
import {
  type EntrySource,
  makeEntrySource,
  makePackTable,
  type OpenedSnapshot,
  type OpenOptions,
  openSnapshot,
  type PackTable,
} from "../open/index.ts";
import { showByteName } from "./byte-names.ts";
import type { Listed } from "./types.ts";

/** A snapshot opened to look at. Nothing of it is placed anywhere. */
export interface Tree {
  readonly opened: OpenedSnapshot;
  readonly packs: PackTable;
  readonly source: EntrySource;
  readonly signal: AbortSignal;
}

/** @throws as `openSnapshot`. */
export async function openTree(o: OpenOptions): Promise<Tree> {
  const opened = await openSnapshot(o);
  const packs = makePackTable(opened);
  return { opened, packs, source: makeEntrySource(opened, packs, o.signal), signal: o.signal };
}

/**
 * What a snapshot holds, some at a time, in the order of the tree: with no `path` its roots; of a folder what lies
 * directly in it; else the thing itself. `deep` adds all that lies below. Memory does not grow with the snapshot.
 * @throws ColdkeepError `not-found` for a path that is not there; as `EntrySource`.
 */
export async function* listTree(
  { source, opened }: Tree,
  { path, deep }: { readonly path: Uint8Array | null; readonly deep: boolean },
): AsyncGenerator<Listed[]> {
  const place = path === null ? null : placeOf(path);
  let found = path === null;
  for await (const entries of source.segments()) {
    const shown: Listed[] = [];
    let past = false;
    for (const entry of entries) {
      // A further part of the file before.
      if (entry.from !== undefined) continue;
      const at = place === null ? depthOf(entry.path, 0) : place(entry);
      if (at === "before") continue;
      if (at === "past") {
        past = true;
        break;
      }
      found = true;
      if (at === 0 || (deep && at === "inside")) shown.push(entry);
    }
    if (shown.length > 0) yield shown;
    if (past) break;
  }
  if (!found && path !== null) throw notThere(opened, path);
}

/** What is at that path, by itself; of a folder not what lies in it. Null where nothing is. @throws as `EntrySource`. */
export async function findEntry({ source }: Tree, path: Uint8Array): Promise<Listed | null> {
  for await (const entries of source.segments()) {
    for (const entry of entries) {
      const compared = comparePaths(entry.path, path);
      if (compared === 0) return entry;
      if (compared > 0) return null;
    }
  }
  return null;
}

/** Where an entry stands to a path: 0, to be shown; "inside", deeper than that; "itself", the folder. */
function placeOf(path: Uint8Array) {
  return (entry: ManifestEntry): 0 | "inside" | "itself" | "before" | "past" => {
    if (isBelow(entry.path, path)) return depthOf(entry.path, path.length + 1);
    const compared = comparePaths(entry.path, path);
    // Of a folder its content is shown, as ls does.
    if (compared === 0) return entry.type === "directory" ? "itself" : 0;
    return compared < 0 ? "before" : "past";
  };
}

function depthOf(path: Uint8Array, from: number): 0 | "inside" {
  return path.indexOf(SLASH, from) < 0 ? 0 : "inside";
}

const SLASH = 0x2f;

function isBelow(path: Uint8Array, folder: Uint8Array): boolean {
  return path.length > folder.length && path[folder.length] === SLASH && startsWith(path, folder);
}

function startsWith(path: Uint8Array, beginning: Uint8Array): boolean {
  for (let i = 0; i < beginning.length; i += 1) if (path[i] !== beginning[i]) return false;
  return true;
}

export function notThere({ manifest }: OpenedSnapshot, path: Uint8Array): ColdkeepError {
  const roots = manifest.roots.map(({ name }) => name).join(", ");
  return new ColdkeepError("not-found", {
    what: "there is no such path in the snapshot",
    on: showByteName(path),
    why: `paths begin with the name of a root; ${manifest.snapshot} has ${roots}`,
    todo: `\`coldkeep ls -R ${manifest.snapshot}\` shows all of them`,
  });
}
