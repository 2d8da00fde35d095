import { lstatSync, realpathSync } from "node:fs";
import { systemClock } from "../../posix/clock.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError, silent, systemCode } from "../../vault/names/index.ts";
import type { NodeControl } from "../node/types.ts";
import { fromBytes, type Latin1 } from "./bytes.ts";
import { drive } from "./drive.ts";
import type { InodeSet } from "./inode-set.ts";
import { collectInodes } from "./inodes-now.ts";
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
  for (const { path } of roots) await drive(collectInodes(path, inodes), systemClock, never);
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
