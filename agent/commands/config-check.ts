import { counted } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { readConfig } from "./session.ts";

/** `coldkeep config check`. */
export async function run(call: Call): Promise<Answer> {
  const { path, vault, nodes, warnings } = readConfig(call);
  const names = nodes.map(({ name }) => name);
  return {
    document: { ok: true, path, vault, nodes: names, warnings },
    text: `${path} is right: ${counted(names.length, "node")} (${names.join(", ")}), vault ${vault}`,
  };
}
