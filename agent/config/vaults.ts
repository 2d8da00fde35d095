import { fileURLToPath } from "node:url";
import { messageOf } from "../../vault/names/index.ts";
import type { Mistake } from "./parse.ts";
import type { WrittenConfig } from "./schema.ts";

/** What the schema cannot say of the vaults: one spelling of two, names and places that differ. */
export function checkVaults(config: WrittenConfig): {
  readonly mistakes: readonly Mistake[];
  /** The folders of those that are directories. */
  readonly folders: readonly string[];
} {
  const { vault, vaults } = config;
  if (vault !== undefined && vaults !== undefined) {
    return { mistakes: [{ path: ["vaults"], words: "stands beside vault; write one of the two" }], folders: [] };
  }
  if (vault === undefined && vaults === undefined) {
    const words = "missing; allowed: the place of the vault, such as file:///backup/vault, or several as vaults";
    return { mistakes: [{ path: ["vault"], words }], folders: [] };
  }
  const places =
    vaults?.map(({ url }, index) => ({ path: ["vaults", index, "url"], url })) ??
    (typeof vault === "object"
      ? [{ path: ["vault", "url"], url: vault.url }]
      : [{ path: ["vault"], url: vault ?? "" }]);
  const mistakes: Mistake[] = [];
  const folders: string[] = [];
  for (const { path, url } of places) {
    try {
      folders.push(fileURLToPath(url));
    } catch (error) {
      mistakes.push({ path, words: messageOf(error) });
    }
  }
  return { mistakes: [...mistakes, ...repeated(vaults ?? [])], folders };
}

function repeated(vaults: readonly { readonly name: string; readonly url: string }[]): Mistake[] {
  return vaults.flatMap(({ name, url }, index) => {
    const before = vaults.slice(0, index);
    const mistakes: Mistake[] = [];
    if (before.some((other) => other.name === name)) {
      mistakes.push({ path: ["vaults", index, "name"], words: `${name} is the name of another vault, too` });
    }
    const twin = before.find((other) => other.url === url);
    if (twin !== undefined) {
      mistakes.push({ path: ["vaults", index, "url"], words: `is the place of ${twin.name}, too` });
    }
    return mistakes;
  });
}
