import { parseDuration } from "../../vault/retain/index.ts";
import type { WrittenConfig } from "./schema.ts";
import type { SystemSettings } from "./types.ts";

type WrittenNode = WrittenConfig["nodes"][string];

/** What the node's configuration tells its profile. */
export function systemOf(node: WrittenNode): SystemSettings {
  const { rebuild } = node;
  const { run, log, height, timeout } = rebuild ?? {};
  const all = {
    config: node.system_config,
    runDir: node.run_dir,
    external: node.external,
    nodeKey: node.node_key,
    removeContainers: node.remove_chaincode === false ? undefined : node.remove_chaincode,
    archiveStatus: node.archive_status,
    rebuild:
      run === undefined
        ? undefined
        : {
            run,
            timeoutMs: parseDuration(timeout ?? "") ?? 0,
            ...(log === undefined ? {} : { log }),
            ...(height === undefined ? {} : { height }),
          },
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
