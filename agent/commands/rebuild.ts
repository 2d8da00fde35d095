import { listSnapshots, rebuildIndex } from "../../keeper/index.ts";
import { counted } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { openVault } from "./opened.ts";
import { openSession, scopeOf } from "./session.ts";

/** `coldkeep rebuild`. */
export async function run(call: Call): Promise<Answer> {
  const { config, node } = openSession(call);
  const store = await openVault(config, call, "write");
  call.progress.stage("rebuild");
  const scope = { store, ...scopeOf(config, node.name) };
  const { index, changed } = await rebuildIndex(scope);
  let snapshots = 0;
  for await (const _ of listSnapshots(scope)) snapshots += 1;
  return {
    document: { node: node.name, changed, snapshots, generation: index.generation, months: index.months },
    text: changed
      ? `The index of ${node.name} was made anew: ${counted(snapshots, "snapshot")}.`
      : `The index of ${node.name} is as its ${counted(snapshots, "card")} ${snapshots === 1 ? "says" : "say"}; nothing was changed.`,
  };
}
