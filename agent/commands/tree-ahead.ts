import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { systemClock } from "../../posix/clock.ts";
import { isCold } from "../../posix/cold-tree.ts";
import { threadEnv } from "../../posix/thread-env.ts";
import type { GlobSettings, NodeSettings } from "../config/index.ts";

export type ToTreeAhead =
  | {
      readonly type: "look";
      /** Absolute, latin1. */
      readonly roots: readonly string[];
      readonly profile: string;
      readonly globs: GlobSettings;
      readonly lean: boolean;
      readonly chains: readonly string[];
    }
  | { readonly type: "end" };

/** What a tree-ahead thread holds are names, and few of them. Megabytes. */
const SMALL = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 24 } as const;

let started: Worker | null = null;

/**
 * Starts a thread that can look at a node's folders before the walk through them does, where they are not in the kernel's
 * memory: the disk is then asked for several at once. It reads nothing before `lookAhead`, keeps no process alive, and
 * whatever befalls it befalls it alone. Not for a node whose backups are to leave others something: there none takes more
 * than it must.
 * @param cold whether a folder's tree has to be asked of the disk
 */
export function startTreeAhead(
  { roots, pace }: NodeSettings,
  cold: (path: string) => boolean = (path) => isCold(path, systemClock),
): void {
  if (pace?.cpu !== undefined || pace?.read !== undefined) return;
  if (!roots.some(({ path }) => cold(toLatin1(path)))) return;
  const url = new URL(`./tree-ahead.worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(url, { resourceLimits: SMALL, trackUnmanagedFds: false, env: threadEnv() });
  worker.unref();
  worker.on("error", () => {});
  started = worker;
}

/**
 * From now on the thread looks; not at the roots of the names `without`. False where none was started.
 */
export function lookAhead(
  { roots, profile, globs, lean, chains }: NodeSettings,
  without: readonly string[] = [],
): boolean {
  const paths = roots.filter(({ name }) => !without.includes(name)).map(({ path }) => toLatin1(path));
  tell({ type: "look", roots: paths, profile, globs, lean: lean === true, chains });
  return started !== null;
}

/** Ends the thread, where one was started. Safe to call twice. */
export function endTreeAhead(): void {
  tell({ type: "end" });
  started = null;
}

function tell(message: ToTreeAhead): void {
  started?.postMessage(message);
}

function toLatin1(path: string): string {
  return Buffer.from(path, "utf8").toString("latin1");
}
