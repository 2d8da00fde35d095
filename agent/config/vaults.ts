import { fileURLToPath } from "node:url";
import { messageOf } from "../../vault/names/index.ts";
import type { Mistake } from "./parse.ts";
import type { WrittenConfig } from "./schema.ts";
import { S3_KEYS } from "./schema-vault.ts";

type WrittenVault = NonNullable<WrittenConfig["vaults"]>[number];

interface Placed {
  /** Leads to the mapping, or to the URL where it stands alone. */
  readonly path: readonly PropertyKey[];
  readonly vault: Partial<WrittenVault> & { readonly url: string };
  readonly alone: boolean;
}

/** What the schema cannot say of the vaults: one spelling of two, names and places that differ, keys that fit the place. */
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
    const words =
      "missing; allowed: the place of the vault, such as file:///backup/vault or s3://bucket/prefix, or several as vaults";
    return { mistakes: [{ path: ["vault"], words }], folders: [] };
  }
  const placed: readonly Placed[] =
    vaults?.map((each, index) => ({ path: ["vaults", index], vault: each, alone: false })) ??
    (typeof vault === "object"
      ? [{ path: ["vault"], vault, alone: false }]
      : [{ path: ["vault"], vault: { url: vault ?? "" }, alone: true }]);
  const mistakes: Mistake[] = [];
  const folders: string[] = [];
  for (const each of placed) {
    if (each.vault.url.startsWith("s3://")) mistakes.push(...checkReach(each));
    else mistakes.push(...checkFolder(each, folders));
  }
  return { mistakes: [...mistakes, ...repeated(vaults ?? [])], folders };
}

function checkFolder({ path, vault, alone }: Placed, folders: string[]): Mistake[] {
  const mistakes: Mistake[] = Object.keys(vault)
    .filter((key) => S3_KEYS.includes(key))
    .map((key) => ({ path: [...path, key], words: "is for vaults in S3; this one is a directory" }));
  try {
    folders.push(fileURLToPath(vault.url));
  } catch (error) {
    mistakes.push({ path: alone ? path : [...path, "url"], words: messageOf(error) });
  }
  return mistakes;
}

function checkReach({ path, vault }: Placed): Mistake[] {
  if (vault.endpoint === undefined) return [];
  return (["dual_stack", "fips"] as const)
    .filter((key) => vault[key] === true)
    .map((key) => ({ path: [...path, key], words: "chooses among AWS's own endpoints, but endpoint names another" }));
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
