import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { parseConfig } from "../../agent/config/index.ts";
import { profileNames } from "../../agent/profiles/index.ts";

const DOCS = fileURLToPath(new URL("../../docs", import.meta.url));
const nodeOf = (name: string) => ({
  profile: "files",
  roots: { data: `/srv/${name}` },
  service: { manager: "none" },
});
const BASE = {
  version: 1,
  vault_id: "v5J2BYLFz3BLk1mC9U6Rig",
  vault: "file:///backup/vault",
  state_dir: "/var/lib/coldkeep",
  encrypt_key: "/etc/coldkeep/node.key",
};

interface Fragment {
  readonly nodes?: Readonly<Record<string, object>>;
  readonly groups?: Readonly<Record<string, { readonly order: readonly string[] }>>;
}

const fragments = readdirSync(DOCS, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".md"))
  .sort()
  .flatMap((page) =>
    [...readFileSync(join(DOCS, page), "utf8").matchAll(/^ *```yaml\n([\s\S]*?)^ *```$/gm)].map(
      ([, text = ""], n) => [`${page} ${n + 1}`, text] as const,
    ),
  );

/** A whole configuration with what a page shows of one: settings of a node are indented there, as in the file. */
function around(text: string): string {
  if (text.startsWith(" "))
    return stringify({ ...BASE, nodes: { node: { ...nodeOf("node"), ...(parse(text) as object) } } });
  const shown = parse(text) as Fragment;
  const named = [
    "node",
    ...Object.values(shown.groups ?? {}).flatMap(({ order }) => order),
    ...Object.keys(shown.nodes ?? {}),
  ];
  const nodes = named.map((name) => [name, { ...nodeOf(name), ...shown.nodes?.[name] }] as const);
  return stringify({ ...BASE, ...shown, nodes: Object.fromEntries(nodes) });
}

it.each(fragments)("docs/%s is a configuration that coldkeep reads", (_where, text) => {
  expect(() => parseConfig(around(text), "config.yaml", profileNames())).not.toThrow();
});

it("there are pages with configurations", () => {
  expect(fragments.length).toBeGreaterThan(9);
});
