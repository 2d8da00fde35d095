import {
  ColdkeepError,
  isColdkeepError,
  type NodeName,
  systemCode,
  toNodeName,
  type VaultId,
} from "../../vault/names/index.ts";
import { openStore, retrying, type Store } from "../../vault/store/index.ts";
import { type Config, nearest } from "../config/index.ts";
import type { CopyFlags } from "./copy.command.ts";
import type { Call } from "./define.ts";
import { openOneVault } from "./opened.ts";
import { pickNode, readConfig } from "./session.ts";

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
  const from = await openPlace(flags.from, "--from", config, call, "read");
  const to = await openPlace(flags.to, "--to", config, call, flags.dryRun === true ? "read" : "write");
  if (from.url === to.url) {
    throw new ColdkeepError("usage", { what: "--from and --to are the same vault", on: from.url });
  }
  const node = config === null ? toNodeName(flags.node ?? "") : pickNode(config, flags.node).name;
  return { from, to, node, ...(config?.vaultId === undefined ? {} : { vault: config.vaultId }) };
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

async function openPlace(
  text: string,
  flag: "--from" | "--to",
  config: Config | null,
  call: Call,
  mode: "read" | "write",
): Promise<Store> {
  const named = config?.vaults.find(({ name }) => name === text);
  if (named !== undefined) return openOneVault(named, call, mode);
  if (!isPlace(text)) throw noSuchVault(text, flag, config);
  const options = mode === "read" ? { readonly: true } : { create: true };
  return retrying(await openOrEmpty(text, options, flag), { clock: call.io.clock, signal: call.io.signal });
}

/** For a look at what there would be to do, a folder that is not there yet is an empty vault. */
async function openOrEmpty(url: string, options: Parameters<typeof openStore>[1], flag: string): Promise<Store> {
  try {
    return await openStore(url, options);
  } catch (error) {
    const isMissing = isColdkeepError(error, "vault") && systemCode(error.cause) === "ENOENT";
    if (!isMissing || flag === "--from" || options?.readonly !== true) throw error;
    return emptyStore(url);
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
    why: `vaults there are: ${known.join(", ")}; a place looks like file:///path or /path`,
    ...(near === null ? {} : { todo: `did you mean ${flag} ${near}?` }),
  });
}
