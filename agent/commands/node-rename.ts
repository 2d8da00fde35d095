import { changeStanding } from "../../keeper/index.ts";
import { ColdkeepError, toNodeName } from "../../vault/names/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { openOneVault } from "./opened.ts";
import { openSession, pickVault, vaultIdOf } from "./session.ts";

/** `coldkeep node rename <old>`. */
export async function run(call: Call, old: string): Promise<Answer> {
  const { config, node } = openSession(call);
  const before = toNodeName(old);
  if (!node.formerly.includes(before)) {
    throw new ColdkeepError("usage", {
      what: "the configuration does not say that this was the node's name",
      on: before,
      why: `${node.name} has ${node.formerly.length === 0 ? "no `formerly`" : `formerly: ${node.formerly.join(", ")}`}`,
      todo: `write \`formerly: [${before}]\` below ${node.name} in ${config.path}`,
    });
  }
  const settings = pickVault(config, call.flags.vault);
  const store = await openOneVault(settings, call, "write");
  const changed = await changeStanding(store, { node: before, vault: vaultIdOf(config) }, (there) => {
    if (there?.state === "deleting" || there?.state === "deleted") {
      throw new ColdkeepError("refused", { what: "that name was deleted", on: before, todo: "nothing is left of it" });
    }
    const said = { state: "retired", renamed_to: node.name } as const;
    return there?.state === said.state && there.renamed_to === said.renamed_to ? null : said;
  });
  return {
    document: { node: node.name, formerly: before, vault: settings.name, changed },
    text: `${before} goes on as ${node.name}. \`coldkeep list --node ${before}\` shows the snapshots until now, which stay.\nNow \`coldkeep backup --node ${node.name}\` makes a full one, and where systemd makes the backups \`coldkeep install\` its timers.`,
  };
}
