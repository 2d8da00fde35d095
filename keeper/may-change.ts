import { assertMayWork, parseVaultJson } from "../vault/card/index.ts";
import { ColdkeepError, names } from "../vault/names/index.ts";
import type { Reader } from "../vault/store/facets.ts";
import { readObject } from "./read.ts";
import { MAX_BYTES } from "./rules.ts";

/**
 * Checks that this keeper may change the vault; asked first by every job that does. A vault without vault.json asks for
 * nothing.
 * @throws ColdkeepError `refused` where the vault asks for a newer keeper, `integrity` where vault.json is damaged.
 */
export async function assertMayChange(store: Reader): Promise<void> {
  const on = names.VAULT_JSON;
  const read = await readObject(store, on, MAX_BYTES.vault, parseVaultJson);
  if (read.found === "it") assertMayWork(read.value, "keeper");
  if (read.found !== "malformed") return;
  throw new ColdkeepError("integrity", {
    what: "the vault's own record is damaged",
    on,
    why: read.why,
    todo: "put the file back from a copy: it says which versions may change the vault",
  });
}
