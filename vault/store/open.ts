import { ColdkeepError } from "../names/index.ts";
import { type DirectoryStoreOptions, openDirectoryStore } from "./directory/index.ts";
import type { Deleter, Store } from "./facets.ts";

/**
 * Opens the vault at a URL or path.
 * @throws ColdkeepError `config` for a scheme this version does not know; else what the store's own opening throws.
 */
export async function openStore(url: string, options: DirectoryStoreOptions = {}): Promise<Store & Deleter> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") return openDirectoryStore(url, options);
  throw new ColdkeepError("config", {
    what: "cannot open the vault",
    on: url,
    why: `this version keeps vaults in directories only, found "${scheme}:"`,
    todo: "Write a path or file:///path",
  });
}
