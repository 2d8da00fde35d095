import { readFileSync } from "node:fs";
import { join } from "node:path";

type Cases = { readonly source: string; readonly cases: readonly Record<string, string>[] };
const FILES = ["primitives.json", "sm.json", "wycheproof.json"];
const vectors = Object.assign(
  {},
  ...FILES.map((name) => JSON.parse(readFileSync(join(import.meta.dirname, name), "utf8"))),
) as Record<string, Cases>;

/** The published cases of one primitive, each with its source. */
export function casesOf(name: string): readonly Readonly<Record<string, string>>[] {
  const found = vectors[name];
  if (found === undefined) throw new Error(`there are no vectors ${name}`);
  return found.cases.map((one) => ({ source: found.source, ...one }));
}

export const fromHex = (hex = "") => Uint8Array.from(Buffer.from(hex, "hex"));
export const toHex = (data: Uint8Array) => Buffer.from(data).toString("hex");
