import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { type BytePath, below, fromText, toBytes, toText } from "./byte-path.ts";
import type { LateMetadata, Move } from "./journal.ts";
import { type RootLayout, staysInPlace } from "./layout.ts";
import { inodeAt } from "./swap.ts";
import type { RestoreOptions } from "./types.ts";

type Renames = NonNullable<RestoreOptions["renames"]>;

/** The renames that put the staged roots in place, in order, and where the old data will lie. */
export interface SwapPlan {
  readonly moves: readonly Move[];
  readonly old: readonly BytePath[];
  readonly late: readonly LateMetadata[];
}

/** Folders that must be made before the moves, to take a mount point's old children. */
export function oldFolders(roots: readonly RootLayout[]): BytePath[] {
  return roots.filter(({ shape, replaces }) => shape === "inside" && replaces === "data").map(({ old }) => old);
}

/** Where each root lies staged, as text. */
export function stagedRoots(roots: readonly RootLayout[]): { readonly name: string; readonly path: string }[] {
  return roots.map(({ name, staging }) => ({ name, path: toText(below(staging, fromText(name))) }));
}

/** Looks at what lies in place now and at what was staged; changes nothing but makes the folders for old children. */
export function planSwap(roots: readonly RootLayout[], renames: Renames = () => []): SwapPlan {
  const moves: Move[] = renames(stagedRoots(roots)).map(({ from, to }) => move(fromText(from), fromText(to)));
  const old: BytePath[] = [];
  const late: LateMetadata[] = [];
  for (const folder of oldFolders(roots)) makeOld(folder);
  for (const root of roots) {
    const staged = below(root.staging, fromText(root.name));
    if (root.shape === "inside") {
      if (root.replaces === "data") {
        for (const child of childrenOf(root.target)) {
          moves.push(move(below(root.target, child), below(root.old, child)));
        }
        old.push(root.old);
      }
      for (const child of childrenOf(staged)) {
        moves.push(move(below(staged, child), below(root.target, child)));
      }
      late.push(metadataFor(root.target, staged));
      continue;
    }
    if (root.shape === "beside" && inodeAt(root.target) !== null) {
      moves.push(move(root.target, root.old));
      old.push(root.old);
    }
    moves.push(move(staged, root.target));
  }
  return { moves, old, late };
}

function move(from: BytePath, to: BytePath): Move {
  const inode = inodeAt(from);
  if (inode === null)
    throw new ColdkeepError("refused", { what: "a folder vanished during the restore", on: toText(from) });
  return { from, to, inode };
}

function childrenOf(folder: BytePath): string[] {
  return readdirSync(toBytes(folder), { encoding: "latin1" }).filter((name) => !staysInPlace(name));
}

function metadataFor(path: BytePath, staged: BytePath): LateMetadata {
  const { mode, uid, gid, mtimeNs } = lstatSync(toBytes(staged), { bigint: true });
  const billion = 1_000_000_000n;
  const nanoseconds = ((mtimeNs % billion) + billion) % billion;
  return {
    path,
    mode: Number(mode & 0o7777n),
    uid: Number(uid),
    gid: Number(gid),
    seconds: Number((mtimeNs - nanoseconds) / billion),
    nanoseconds: Number(nanoseconds),
  };
}

function makeOld(folder: BytePath): void {
  try {
    // A run before, whose exchange was taken back, may have made it.
    if (inodeAt(folder) !== null && readdirSync(toBytes(folder)).length === 0) return;
    mkdirSync(toBytes(folder), { mode: 0o700 });
  } catch (error) {
    throw fromSystemError(error, {
      what: "cannot make a folder for the old data",
      on: toText(folder),
      otherwise: "refused",
    });
  }
}
