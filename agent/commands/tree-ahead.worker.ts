import { parentPort } from "node:worker_threads";
import { prefetchTree, type TreePrefetch } from "../../posix/prefetch-tree.ts";
import { captureSetOf } from "../profiles/index.ts";
import type { ToTreeAhead } from "./tree-ahead.ts";

/** Looks at a node's folders before a backup walks them: a thread of its own, told where, and when to end. */
const port = parentPort;
if (port === null) throw new Error("tree-ahead.worker.ts runs in a worker thread");
let running: TreePrefetch | null = null;

port.on("message", (message: ToTreeAhead) => {
  if (message.type === "end") {
    running?.end();
    finish();
    return;
  }
  const { roots, profile, globs, lean, chains } = message;
  const captured = captureSetOf(profile, globs, { lean, chains });
  const omits = (path: string) => isOurs(path) || captured.omitFolder(path) !== null;
  running = prefetchTree(roots.map((path) => ({ path, omits })));
  void running.through.then(finish);
});

/** Nothing else keeps the thread. */
function finish(): void {
  port?.close();
}

/** Frozen trees, and what a restore may have beside its target. */
function isOurs(path: string): boolean {
  return path.slice(path.lastIndexOf("/") + 1).startsWith(".coldkeep-");
}
