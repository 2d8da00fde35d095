import type { Lock } from "../../posix/lockfile.ts";
import type { NodeName } from "../../vault/names/index.ts";
import { nodeFolder } from "./node-state.ts";
import { makePrivateFolder } from "./private.ts";
import { takeLock } from "./take-lock.ts";

/**
 * A lock of a node by name, for work that needs no signing key: a restore on a host that never backed the node up.
 * `node` is the lock that NodeState.lock takes, `restore` keeps restores of one node apart.
 * @throws ColdkeepError `busy` naming who holds it; `permission` where the state is open to others.
 */
export function lockNode(stateDir: string, node: NodeName, name: "node" | "restore", label: string): Lock {
  const folder = nodeFolder(stateDir, node);
  makePrivateFolder(folder);
  return takeLock(folder, name === "node" ? "lock" : "restore.lock", label);
}
