import * as z from "zod";
import { object, text } from "./schema-parts.ts";
import { tiers } from "./schema-tiers.ts";

/** The name of the vault that is written as `vault:`, without one of its own. */
export const MAIN_VAULT = "main";

const url = text(
  "file:///absolute/path; this version keeps vaults in directories",
  /^file:\/\/\/[^\0/][^\0]*$/,
  "where snapshots are kept",
);

const name = text(
  "1 to 63 of a-z 0-9 _ -, beginning with a letter or digit",
  /^[a-z0-9][a-z0-9_-]{0,62}$/,
  "what the vault is called on the command line",
);

const SETTINGS = { url, tiers: tiers.optional() };

/** One vault: its place alone, or a mapping with more. */
export const vault = z
  .union([url, object({ name: name.default(MAIN_VAULT), ...SETTINGS }, "a vault")], {
    error: "a URL, or a mapping with url",
  })
  .meta({ description: "where snapshots are kept" });

const VAULTS = "a list of mappings with name and url";

export const vaults = z
  .array(object({ name, ...SETTINGS }, "a vault"), { error: VAULTS })
  .min(1, { error: VAULTS })
  .meta({ description: "where snapshots are kept, in place of `vault`; the first is the one that is read" });
