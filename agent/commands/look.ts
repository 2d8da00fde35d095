import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { NodeSettings } from "../config/index.ts";
import { type Finding, type Look, profileOf } from "../profiles/index.ts";

/** This host's files as profiles look at them. What cannot be read counts as absent: `doctor` says what cannot. */
export const hostLook: Look = {
  list(folder) {
    try {
      return readdirSync(folder, { withFileTypes: true, encoding: "latin1" }).map((entry) =>
        entry.isDirectory() ? `${entry.name}/` : entry.name,
      );
    } catch {
      return null;
    }
  },
  read(file, maxBytes) {
    try {
      const fd = openSync(file, "r");
      try {
        const buffer = Buffer.alloc(maxBytes);
        return buffer.toString("latin1", 0, readSync(fd, buffer, 0, maxBytes, 0));
      } finally {
        closeSync(fd);
      }
    } catch {
      return null;
    }
  },
};

/** What the node's profile finds in its roots; null where that is nothing of its system's. */
export function findingOf({ profile, roots }: Pick<NodeSettings, "profile" | "roots">): Finding | null {
  return profileOf(profile).discover(hostLook, roots);
}

/**
 * Before a backup stops anything: the roots hold what the profile is for, and all of it.
 * @throws ColdkeepError `refused` where a part of the node lies outside its roots, or a chain of it in none.
 */
export function assertWhole(node: NodeSettings): void {
  const lost = lostChains(node);
  if (lost.length > 0) {
    throw new ColdkeepError("refused", {
      what: "a chain that the configuration names lies in none of the roots",
      on: lost.join(", "),
      why: `looked for in ${node.roots.map(({ path }) => path).join(", ")}`,
      todo: `correct chains of ${node.name} in the configuration, or leave it out to capture all`,
    });
  }
  const [missing] = findingOf(node)?.elsewhere ?? [];
  if (missing === undefined) return;
  throw new ColdkeepError("refused", {
    what: "a part of the node lies in none of its roots",
    on: missing.path,
    why: missing.why,
    todo: `add it to roots of ${node.name} in the configuration: ${missing.name}: ${missing.path}`,
  });
}

/** Those of the chains that the configuration names which are not there. */
export function lostChains({ profile, roots, chains }: Pick<NodeSettings, "profile" | "roots" | "chains">): string[] {
  const rule = profileOf(profile).chains;
  if (rule === undefined) return [];
  const there = new Set(roots.flatMap(({ path }) => hostLook.list(path) ?? []));
  return chains.filter((chain) => !there.has(`${rule.folderOf(chain)}/`));
}
