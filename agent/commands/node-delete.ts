import { type DeleteNodeOutcome, deleteNode } from "../../keeper/index.ts";
import { ColdkeepError, type NodeName } from "../../vault/names/index.ts";
import { counted, formatBytes, formatTime } from "../report/index.ts";
import { lockNode } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { NodeDeleteFlags } from "./node-delete.command.ts";
import { openOneVault } from "./opened.ts";
import { openSession, pickVault, scopeOf } from "./session.ts";

/** What is still to be done on the host: `status` asks for every node that the configuration names. */
const FORGET_IT =
  "Take it out of the configuration of its host, and run `coldkeep install` again where systemd makes the backups.";

/** `coldkeep node delete`. */
export async function run(call: Call<NodeDeleteFlags>): Promise<Answer> {
  const { confirm } = call.flags;
  const { config, node } = openSession(call);
  const apply = confirm !== undefined;
  if (apply && confirm !== node.name) {
    throw new ColdkeepError("usage", {
      what: "the name after --confirm is not the node's",
      on: JSON.stringify(confirm),
      why: `the node meant is ${node.name}`,
      todo: "nothing was deleted; say which one is meant by --node, and its name by --confirm",
    });
  }
  const settings = pickVault(config, call.flags.vault);
  using _lock = apply ? lockNode(config.stateDir, node.name, "node", `coldkeep node delete --node ${node.name}`) : null;
  const store = await openOneVault(settings, call, apply ? "write" : "read");
  call.progress.stage(apply ? "delete" : "look");
  const outcome = await deleteNode({ store, ...scopeOf(config, node.name), apply, now: call.io.clock.now() });
  return {
    document: { node: node.name, vault: settings.name, applied: apply, ...outcome },
    text: apply ? doneText(node.name, outcome) : planText(node.name, settings.name, outcome),
  };
}

function planText(node: NodeName, vault: string, { keys, objects, bytes, lockedKeys }: DeleteNodeOutcome): string {
  const locked =
    lockedKeys.count === 0
      ? []
      : [
          `${counted(lockedKeys.count, "of them is", "of them are")} locked, the last until ${untilText(lockedKeys.until)}.`,
        ];
  return [
    `${counted(keys, "version")} of what opens snapshots of ${node} in ${vault}, then ${counted(objects, "object")}, ${formatBytes(bytes)}.`,
    ...locked,
    `Nothing was changed; \`coldkeep node delete --node ${node} --confirm ${node}\` deletes it. Nobody brings it back.`,
  ].join("\n");
}

function doneText(node: NodeName, { keys, objects, bytes, lockedKeys, locked, done }: DeleteNodeOutcome): string {
  if (done) {
    return `${node} is deleted: ${counted(keys, "version")} of what opened its snapshots, ${counted(objects, "object")}, ${formatBytes(bytes)}. Some small objects stay, which tell that its name was used and what went. Keep in mind copies in other vaults.\n${FORGET_IT}`;
  }
  return [
    lockedKeys.count === 0
      ? `Nothing of ${node} can be opened any more.`
      : `${counted(lockedKeys.count, "version")} of what opens snapshots of ${node} STAY, locked until ${untilText(lockedKeys.until)}: these can be opened until then.`,
    ...(locked.count === 0
      ? []
      : [`${counted(locked.count, "object")} more stay, locked until ${untilText(locked.until)}.`]),
    "Run the same command again then; it goes on.",
  ].join("\n");
}

function untilText(until: number | null): string {
  return until === null ? "a time that the vault does not tell" : formatTime(until);
}
