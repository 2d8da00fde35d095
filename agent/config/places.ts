import type { Mistake } from "./parse.ts";
import type { WrittenConfig } from "./schema.ts";

/** What the kubelet mounts, or keeps (emptyDir), for one pod lies under its uid. */
const OF_ONE_POD = /\/pods\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\/|$)/;

/** Folders that must not lie in each other: a root in a root is stored twice, and a vault in a root holds itself. */
export function checkPlaces(config: WrittenConfig, vaults: readonly string[]): Mistake[] {
  const mistakes: Mistake[] = [];
  for (const [node, { roots, service }] of Object.entries(config.nodes)) {
    const all = Object.entries(roots);
    const copied = service.manager === "docker" ? Object.keys(service.copy_out ?? {}) : [];
    for (const root of copied.filter((name) => !Object.hasOwn(roots, name))) {
      const path = ["nodes", node, "service", "copy_out"];
      mistakes.push({ path, key: root, words: `is no root; they are ${Object.keys(roots).join(", ")}` });
    }
    if (service.manager === "kubernetes" && service.workload !== "pod" && service.manifest !== undefined) {
      const path = ["nodes", node, "service", "manifest"];
      mistakes.push({ path, words: `is for workload: pod; a ${service.workload} is scaled, and never made anew` });
    }
    for (const [name, path] of all) {
      const at = ["nodes", node, "roots", name];
      if (service.manager === "kubernetes" && OF_ONE_POD.test(path)) {
        mistakes.push({ path: at, words: `${path} is of one pod and goes with it; name the folder behind its volume` });
      }
      const outer = all.find(([other, folder]) => other !== name && isIn(path, folder));
      if (outer !== undefined) mistakes.push({ path: at, words: `${path} lies in root ${outer[0]}, ${outer[1]}` });
      for (const vault of vaults.filter((folder) => isIn(folder, path))) {
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
