import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../posix/clock.ts";
import { type FileHolder, findHolders } from "../../posix/openfiles.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError, messageOf, type Progress } from "../../vault/names/index.ts";
import type { NodeControl } from "../node/types.ts";
import type { CaptureSet } from "../profiles/types.ts";
import { type Latin1, toBytes } from "./bytes.ts";
import type { Inodes } from "./freeze-files.ts";
import { FREEZE_FOLDER } from "./frozen-place.ts";
import { inodesNow } from "./inodes-now.ts";

export interface ProofOptions {
  readonly control: NodeControl;
  readonly roots: readonly { readonly path: Latin1 }[];
  /** Files that may be known to a container by another path. */
  readonly inodes: Inodes;
  /** Files it leaves out may stay open. Null: all count. */
  readonly profile: CaptureSet | null;
  readonly progress: Progress;
}

/**
 * Who still holds captured files.
 * @throws ColdkeepError `permission` where not all processes can be looked into and no service manager vouches for the
 * node: "cannot be proven" is no proof.
 */
export function whoHolds(o: ProofOptions): FileHolder[] {
  const { holders, unseen: all } = look(o);
  // Init goes when everything goes, so it is no node that could have been stopped; its locks were seen like anyone's.
  const unseen = all.filter(({ pid }) => pid !== 1);
  if (unseen.length > 0 && !o.control.manager.controls) {
    const [first] = unseen;
    throw new ColdkeepError("permission", {
      what: "it cannot be proven that the node is down",
      on: o.control.name,
      why: `${ofOthers(unseen.length)} cannot be looked into (such as ${first?.pid}, ${first?.command}), and no service manager is configured to ask`,
      todo: "run coldkeep as root or with CAP_SYS_PTRACE, or configure a service manager",
    });
  }
  if (unseen.length > 0) {
    o.progress.note(
      `${ofOthers(unseen.length)} cannot be looked into; that the node is down is known from its service manager, from its locks and from the other processes`,
    );
  }
  return holders.filter((holder) => holder.listed || !isLeftOut(o.profile, holder));
}

function ofOthers(count: number): string {
  return count === 1 ? "1 process of another user" : `${count} processes of other users`;
}

/**
 * Of those holders the ones that hold what lies in the roots now. A file that the node removed while it ran gives its inode
 * back, and a process that has nothing to do with the node may get it for a file of its own. Looks at all files, so it is for
 * holders that stay; a path below a root needs no look.
 */
export function stillOurs({ roots }: ProofOptions, holders: readonly FileHolder[]): FileHolder[] {
  if (holders.every((holder) => holder.below !== null)) return [...holders];
  const now = inodesNow(roots);
  return holders.filter(({ below, dev, ino }) => below !== null || now.get(BigInt(dev))?.has(ino) === true);
}

/** Pauses from here on are long beside a look at all files of a usual node. Milliseconds. */
const LOOK_CLOSELY = 160;

/**
 * Waits until nobody holds captured files, at most until `end` (monotonic milliseconds).
 * @returns who still does then. @throws the signal's reason on abort.
 */
export async function waitUntilReleased(
  o: ProofOptions,
  end: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<FileHolder[]> {
  for (let pause = 10; ; pause = Math.min(1000, pause * 2)) {
    let holders = whoHolds(o);
    const left = end - clock.monotonic();
    if (pause >= LOOK_CLOSELY || left <= 0) holders = stillOurs(o, holders);
    if (holders.length === 0 || left <= 0) return holders;
    await sleep(Math.min(pause, left), undefined, { signal });
  }
}

/** Kills (SIGKILL) those that write, map or have locked captured files; whoever only reads one stays. */
export function killHolders(holders: readonly FileHolder[], progress: Progress): void {
  const pids = new Map(
    holders.filter(({ pid, hold }) => pid > 1 && hold !== "reads").map((holder) => [holder.pid, holder]),
  );
  for (const [pid, holder] of pids) {
    progress.warn(`killing process ${pid} (${holder.command}), which ${describeHold(holder)}`);
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      progress.warn(`process ${pid} could not be killed: ${messageOf(error)}`);
    }
  }
}

/** Holders in words for a message: the first three, and how many more. */
export function describeHolders(holders: readonly FileHolder[]): string {
  const named = holders.slice(0, 3).map((h) => `process ${h.pid} (${h.command}) ${describeHold(h)}`);
  const more = holders.length > 3 ? `, and ${holders.length - 3} more` : "";
  return named.join("; ") + more;
}

function describeHold({ hold, path }: FileHolder): string {
  const verb = { writes: "has it open for writing", reads: "has it open", mapped: "has it mapped", locked: "locks it" };
  return `${verb[hold]}: ${path}`;
}

function look(o: ProofOptions) {
  const roots = o.roots.map(({ path }) => toBytes(path));
  const sets = new Map([...o.inodes].map(([dev, set]) => [Number(dev), set]));
  try {
    return findHolders({ roots, includes: (dev, ino) => sets.get(dev)?.has(ino) === true });
  } catch (error) {
    throw fromSystemError(error, {
      what: "cannot find out who holds the node's files",
      on: "/proc",
      otherwise: "refused",
    });
  }
}

function isLeftOut(profile: CaptureSet | null, { below }: FileHolder): boolean {
  if (below === null || profile === null) return false;
  const parts = below.path.split("/");
  if (parts.includes(FREEZE_FOLDER)) return true;
  const name = parts.pop() ?? "";
  for (let depth = 1; depth <= parts.length; depth += 1) {
    if (profile.omitFolder(parts.slice(0, depth).join("/")) !== null) return true;
  }
  return profile.classify({ path: parts.join("/"), files: [name] })[0]?.mutability === "omitted";
}
