import { listSnapshots, rebuildIndex } from "../../keeper/index.ts";
import { counted } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { openVault } from "./opened.ts";
import { openSession } from "./session.ts";

/** `coldkeep rebuild`. */
export async function run(call: Call): Promise<Answer> {
  const { config, node } = openSession(call);
  const store = await openVault(config, call, "write");
  call.progress.stage("rebuild");
  const vault = config.vaultId === undefined ? {} : { vault: config.vaultId };
  const { index, changed } = await rebuildIndex({ store, node: node.name, ...vault });
  let snapshots = 0;
  for await (const _ of listSnapshots({ store, node: node.name, ...vault })) snapshots += 1;
  return {
    document: { node: node.name, changed, snapshots, generation: index.generation, months: index.months },
    text: changed
      ? `The index of ${node.name} was made anew: ${counted(snapshots, "snapshot")}.`
      : `The index of ${node.name} is as its ${counted(snapshots, "card")} ${snapshots === 1 ? "says" : "say"}; nothing was changed.`,
  };
}
