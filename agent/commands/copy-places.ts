import {
  ColdkeepError,
  isColdkeepError,
  type NodeName,
  systemCode,
  toNodeName,
  type VaultId,
} from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { type Config, nearest } from "../config/index.ts";
import type { CopyFlags } from "./copy.command.ts";
import type { Call } from "./define.ts";
import { openPlace } from "./opened.ts";
import { pickNode, readConfig, scopeOf } from "./session.ts";

/** From where to where, and what. */
export interface CopyPlaces {
  readonly from: Store;
  readonly to: Store;
  readonly node: NodeName;
  readonly vault?: VaultId;
}

/** @throws ColdkeepError `usage`, `config`, and what opening a vault throws. */
export async function openPlaces(call: Call<CopyFlags>): Promise<CopyPlaces> {
  const { flags } = call;
  const config = configIfNeeded(call);
  const from = await openEnd(flags.from, "--from", config, call, "read");
  const to = await openEnd(flags.to, "--to", config, call, flags.dryRun === true ? "read" : "write");
  if (from.url === to.url) {
    throw new ColdkeepError("usage", { what: "--from and --to are the same vault", on: from.url });
  }
  const node = config === null ? toNodeName(flags.node ?? "") : pickNode(config, flags.node).name;
  return { from, to, ...scopeOf(config ?? {}, node) };
}

/** None where the command line says all there is to know: a host that only keeps copies has no configuration. */
function configIfNeeded(call: Call<CopyFlags>): Config | null {
  const { config, node, from, to } = call.flags;
  if (config !== undefined || node === undefined || !isPlace(from) || !isPlace(to)) return readConfig(call);
  return null;
}

/** A name of the configuration has neither a slash nor a scheme. */
function isPlace(text: string): boolean {
  return text.includes("/") || text.includes(":");
}

async function openEnd(
  text: string,
  flag: "--from" | "--to",
  config: Config | null,
  call: Call,
  mode: "read" | "write",
): Promise<Store> {
  const named = config?.vaults.find(({ name }) => name === text);
  if (named === undefined && !isPlace(text)) throw noSuchVault(text, flag, config);
  const place = named ?? { url: text };
  try {
    return await openPlace(place, call, mode === "read" ? { readonly: true } : { create: true });
  } catch (error) {
    const isMissing = isColdkeepError(error, "vault") && systemCode(error.cause) === "ENOENT";
    if (!isMissing || flag === "--from" || mode === "write") throw error;
    // For a look at what there would be to do, a folder that is not there yet is an empty vault.
    return emptyStore(place.url);
  }
}

function emptyStore(url: string): Store {
  const refuse = async () => {
    throw new ColdkeepError("internal", { what: "a dry run changes nothing", on: url });
  };
  return {
    url,
    head: async () => null,
    get: async () => null,
    getRange: async () => null,
    lockTerms: async () => null,
    lock: refuse,
    create: refuse,
    replace: refuse,
    list: async function* () {},
  };
}

function noSuchVault(text: string, flag: string, config: Config | null): ColdkeepError {
  const known = config?.vaults.map(({ name }) => name) ?? [];
  const near = nearest(text, known);
  return new ColdkeepError("usage", {
    what: `${flag} is no vault of the configuration, and no place`,
    on: JSON.stringify(text),
    why: `vaults there are: ${known.join(", ")}; a place looks like file:///path, /path or s3://bucket/prefix`,
    ...(near === null ? {} : { todo: `did you mean ${flag} ${near}?` }),
  });
}
