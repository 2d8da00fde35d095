import { statSync } from "node:fs";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { NodeSettings } from "../config/index.ts";
import { readSecretText } from "../keys/index.ts";
import type { NodeKeyFile } from "../node/index.ts";
import type { NodeControl } from "../node/types.ts";
import type { Finding } from "../profiles/index.ts";
import { findingOf } from "./look.ts";

/** The node's key file, where it empties one and the configuration says what it is filled with. */
export function nodeKeyFile(node: NodeSettings): NodeKeyFile | undefined {
  const source = node.system.nodeKey;
  const path = source === undefined ? undefined : findingOf(node)?.emptiedKey;
  if (source === undefined || path === undefined) return undefined;
  return {
    path,
    read: () => Buffer.from(readSecretText(source, "node_key", { env: process.env }), "utf8"),
  };
}

/**
 * Before anything stops the node: it could be started again. A node that empties its key file cannot, unless somebody fills
 * it: `node_key`, which is read once to see that it is there, or a hook.
 * @throws ColdkeepError `refused`; `key`, `permission` of a source that cannot be read.
 */
export function assertCanStart(node: NodeSettings, control: NodeControl, finding: Finding | null): void {
  const path = finding?.emptiedKey;
  if (path === undefined || !control.manager.controls) return;
  const key = control.keyFile?.read();
  if (key !== undefined) {
    const { length } = key.toString("utf8").trim();
    key.fill(0);
    if (length > 0) return;
    throw new ColdkeepError("key", { what: "node_key is empty", on: node.name, todo: "put the node's key there" });
  }
  if (node.hooks?.beforeStart !== undefined) return;
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  throw new ColdkeepError("refused", {
    what: "the node was not stopped, as it could not start again",
    on: path,
    why: "it has emptied the file of its own key, as it does at each start",
    todo: `say where the key is: node_key: /path, credential:NAME or env:NAME, or fill the file by a before_start hook`,
  });
}
