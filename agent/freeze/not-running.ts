import { lstatSync, readdirSync, realpathSync } from "node:fs";
import { systemClock } from "../../posix/clock.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError, silent, systemCode } from "../../vault/names/index.ts";
import type { NodeControl } from "../node/types.ts";
import { below, fromBytes, type Latin1, toBytes } from "./bytes.ts";
import { drive } from "./drive.ts";
import { type InodeSet, makeInodeSet } from "./inode-set.ts";
import { describeHolders, whoHolds } from "./proof.ts";
import type { FreezeRoot } from "./types.ts";

const ASK_LIMIT = 15_000;

/**
 * Whether the node's folders may be replaced: its manager says that it is down, and no process holds a file in them.
 * Folders that do not exist are free.
 * @throws ColdkeepError `refused` where it runs or a file is held; `permission` where it cannot be proven.
 */
export async function assertNotRunning(o: {
  readonly roots: readonly Pick<FreezeRoot, "path">[];
  readonly control: NodeControl;
}): Promise<void> {
  const { control } = o;
  const { manager, name } = control;
  if (manager.controls && (await manager.isRunning({ timeoutMs: ASK_LIMIT }))) {
    throw new ColdkeepError("refused", {
      what: "the node runs",
      on: name,
      why: `its service manager says so (${manager.label})`,
      todo: "stop it first, or restore into a fresh folder with --to",
    });
  }
  const roots = o.roots.flatMap(({ path }) => existing(path));
  const inodes = new Map<bigint, InodeSet>();
  const never = new AbortController().signal;
  for (const { path } of roots) await drive(collect(path, inodes), systemClock, never);
  const holders = whoHolds({ control, roots, inodes, profile: null, progress: silent });
  if (holders.length === 0) return;
  throw new ColdkeepError("refused", {
    what: "files of the node are in use",
    on: name,
    why: describeHolders(holders),
    todo: "stop the node, and whatever else uses its files",
  });
}

function existing(path: string): { readonly path: Latin1 }[] {
  try {
    const real = realpathSync.native(path, { encoding: "buffer" });
    return lstatSync(real).isDirectory() ? [{ path: fromBytes(real) }] : [];
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw fromSystemError(error, { what: "cannot look into a folder", on: path, otherwise: "refused" });
  }
}

function* collect(folder: Latin1, into: Map<bigint, InodeSet>): Generator<void> {
  try {
    for (const entry of readdirSync(toBytes(folder), { encoding: "buffer", withFileTypes: true })) {
      const path = below(folder, fromBytes(entry.name));
      yield;
      if (entry.isDirectory()) yield* collect(path, into);
      else if (entry.isFile()) remember(path, into);
    }
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw fromSystemError(error, { what: "cannot look into a folder", on: toBytes(folder), otherwise: "refused" });
  }
}

function remember(path: Latin1, into: Map<bigint, InodeSet>): void {
  const info = lstatSync(toBytes(path), { bigint: true, throwIfNoEntry: false });
  if (info === undefined) return;
  const set = into.get(info.dev) ?? makeInodeSet();
  into.set(info.dev, set);
  set.add(Number(info.ino));
}
