import { randomBytes } from "node:crypto";
import { ColdkeepError, makeVaultId, type NodeName, type VaultId } from "../../vault/names/index.ts";
import {
  type Config,
  DEFAULT_CONFIG,
  loadConfig,
  type NodeSettings,
  nearest,
  type VaultSettings,
} from "../config/index.ts";
import { profileNames } from "../profiles/index.ts";
import type { Call } from "./define.ts";

/** The configuration of a call, and the node it is about. */
export interface Session {
  readonly config: Config;
  readonly node: NodeSettings;
}

/** Reads the configuration and picks the node. @throws ColdkeepError `config`, `permission`, `usage`. */
export function openSession(call: Call): Session {
  const config = readConfig(call);
  return { config, node: pickNode(config, call.flags.node) };
}

export function readConfig({ flags, progress }: Call): Config {
  const config = loadConfig(flags.config ?? DEFAULT_CONFIG, profileNames());
  for (const warning of config.warnings) progress.warn(warning);
  return config;
}

/** The node of that name, or the only one. @throws ColdkeepError `usage` naming the nodes there are. */
export function pickNode({ nodes, path }: Pick<Config, "nodes" | "path">, wanted: string | undefined): NodeSettings {
  const known = nodes.map(({ name }) => name);
  const [first] = nodes;
  if (wanted === undefined) {
    if (first !== undefined && nodes.length === 1) return first;
    throw new ColdkeepError("usage", {
      what: "which node is meant?",
      why: `${path} has ${known.length}: ${known.join(", ")}`,
      todo: "name one with --node",
    });
  }
  return nodes.find(({ name }) => name === wanted) ?? asFormerly(nodes, wanted) ?? noSuch("node", wanted, known, path);
}

/** A node under a name that it had: what lies in the vault under it, and the folders of today. */
function asFormerly(nodes: readonly NodeSettings[], wanted: string): NodeSettings | null {
  const node = nodes.find(({ formerly }) => formerly.some((name) => name === wanted));
  const [name] = node?.formerly.filter((one) => one === wanted) ?? [];
  return node === undefined || name === undefined ? null : { ...node, name, formerly: [] };
}

/** Where a node's new snapshots are to be made, it goes by its own name. @throws ColdkeepError `refused`. */
export function assertOwnName({ nodes }: Pick<Config, "nodes">, { name }: NodeSettings): void {
  const now = nodes.find(({ formerly }) => formerly.includes(name));
  if (now === undefined) return;
  throw new ColdkeepError("refused", {
    what: "that was the node's name before",
    on: name,
    why: `it is ${now.name} now`,
    todo: `give --node ${now.name}`,
  });
}

/** The vault of that name, or the first. @throws ColdkeepError `usage` naming the vaults there are. */
export function pickVault({ vaults, path }: Config, wanted: string | undefined): VaultSettings {
  const known = vaults.map(({ name }) => name);
  const found = wanted === undefined ? vaults[0] : vaults.find(({ name }) => name === wanted);
  return found ?? noSuch("vault", wanted ?? "", known, path);
}

function noSuch(what: "node" | "vault", wanted: string, known: readonly string[], path: string): never {
  const near = nearest(wanted, known);
  throw new ColdkeepError("usage", {
    what: `there is no such ${what}`,
    on: JSON.stringify(wanted),
    why: `${path} has ${known.join(", ")}`,
    ...(near === null ? {} : { todo: `did you mean --${what} ${near}?` }),
  });
}

/** A node's snapshots, of the archive that the configuration names where it names one. */
export function scopeOf(
  { vaultId }: Pick<Config, "vaultId">,
  node: NodeName,
): { readonly node: NodeName; readonly vault?: VaultId } {
  return vaultId === undefined ? { node } : { node, vault: vaultId };
}

/** The archive's id, which backups need. @throws ColdkeepError `config`. */
export function vaultIdOf({ vaultId, path }: Config): VaultId {
  if (vaultId !== undefined) return vaultId;
  throw new ColdkeepError("config", {
    what: "vault_id is missing",
    on: path,
    why: "each snapshot is bound to the archive it belongs to",
    todo: `\`coldkeep show latest\` tells that of snapshots there are; else add a new one: vault_id: ${makeVaultId(randomBytes(16))}`,
  });
}
