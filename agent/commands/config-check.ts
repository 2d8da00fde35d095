import type { VaultSettings } from "../config/index.ts";
import { counted } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { readConfig } from "./session.ts";

/** `coldkeep config check`. */
export async function run(call: Call): Promise<Answer> {
  const { path, vaults, nodes, warnings } = readConfig(call);
  const names = nodes.map(({ name }) => name);
  return {
    document: { ok: true, path, vaults, nodes: names, warnings },
    text: `${path} is right: ${counted(names.length, "node")} (${names.join(", ")}), ${vaultsText(vaults)}`,
  };
}

function vaultsText(vaults: readonly VaultSettings[]): string {
  const [first] = vaults;
  if (first !== undefined && vaults.length === 1) return `vault ${first.url}`;
  return `${counted(vaults.length, "vault")} (${vaults.map(({ name, url }) => `${name} ${url}`).join(", ")})`;
}
