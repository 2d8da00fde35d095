import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { ColdkeepError } from "../../vault/names/index.ts";
import { type NodeSettings, readLooseYaml } from "../config/index.ts";
import { discoverAll, type Finding, type Look, profileOf } from "../profiles/index.ts";

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
  yaml(file) {
    const text = hostLook.read(file, MAX_YAML);
    return text === null ? undefined : readLooseYaml(Buffer.from(text, "latin1").toString("utf8"));
  },
};

const MAX_YAML = 1 << 20;

type Looked = Pick<NodeSettings, "profile" | "roots" | "system" | "lean">;

/** What the node's profile finds in its roots; null where that is nothing of its system's. */
export function findingOf({ profile, roots, system, lean }: Looked): Finding | null {
  return profileOf(profile).discover(hostLook, roots, { ...system, lean: lean === true });
}

/**
 * Before a backup stops anything: the roots hold what the profile is for, and all of it.
 * @throws ColdkeepError `refused` where a part of the node lies outside its roots, or in another system's hands, a chain of
 *   it in none, and where they hold what another profile is for.
 */
export function assertWhole(node: NodeSettings): Finding | null {
  const finding = findingOf(node);
  for (const { what, on, why, todo, external } of finding?.refusals ?? []) {
    if (external === true && node.system.external === "acknowledged") continue;
    throw new ColdkeepError("refused", { what, on, ...(why === undefined ? {} : { why }), todo });
  }
  if (finding === null) assertNotOthers(node);
  const lost = lostChains(node);
  if (lost.length > 0) {
    throw new ColdkeepError("refused", {
      what: "a chain that the configuration names lies in none of the roots",
      on: lost.join(", "),
      why: `looked for in ${node.roots.map(({ path }) => path).join(", ")}`,
      todo: `correct chains of ${node.name} in the configuration, or leave it out to capture all`,
    });
  }
  const [missing] = finding?.elsewhere ?? [];
  if (missing === undefined) return finding;
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

/** Folders of another system would be frozen by rules that were not made for them. */
function assertNotOthers({ name, profile, roots }: NodeSettings): void {
  const { needsConfig } = profileOf(profile);
  if (needsConfig !== undefined) {
    throw new ColdkeepError("refused", {
      what: `profile ${profile} finds nothing of its system`,
      on: name,
      why: needsConfig,
      todo: `name it as system_config of ${name}, or add its folder to the roots`,
    });
  }
  const [other] = discoverAll(hostLook, roots).filter((found) => found.profile.name !== "files");
  if (other === undefined || profile === "files") return;
  throw new ColdkeepError("refused", {
    what: "the roots hold another system than the profile is for",
    on: roots.map(({ path }) => path).join(", "),
    why: `no ${profile} lies there, but ${other.finding.found}`,
    todo: `write profile: ${other.profile.name}, or correct the roots of ${name}`,
  });
}
