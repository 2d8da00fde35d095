import { fileURLToPath } from "node:url";
import { messageOf } from "../../vault/names/index.ts";
import type { Mistake } from "./parse.ts";
import type { WrittenConfig } from "./schema.ts";

/** Folders that must not lie in each other: a root in a root is stored twice, and a vault in a root holds itself. */
export function checkPlaces(config: WrittenConfig): Mistake[] {
  const mistakes: Mistake[] = [];
  let vault: string | null = null;
  try {
    vault = fileURLToPath(config.vault);
  } catch (error) {
    mistakes.push({ path: ["vault"], words: messageOf(error) });
  }
  for (const [node, { roots }] of Object.entries(config.nodes)) {
    const all = Object.entries(roots);
    for (const [name, path] of all) {
      const at = ["nodes", node, "roots", name];
      const outer = all.find(([other, folder]) => other !== name && isIn(path, folder));
      if (outer !== undefined) mistakes.push({ path: at, words: `${path} lies in root ${outer[0]}, ${outer[1]}` });
      if (vault !== null && isIn(vault, path)) {
        mistakes.push({ path: at, words: `the vault ${vault} lies in it; a backup would hold the vault itself` });
      }
      if (isIn(config.state_dir, path)) {
        mistakes.push({
          path: at,
          words: `state_dir ${config.state_dir} lies in it; a backup would hold this host's keys`,
        });
      }
    }
  }
  return mistakes;
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
