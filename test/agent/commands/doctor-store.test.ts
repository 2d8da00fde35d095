import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { keyedNode } from "../../support/keyed-node.ts";

interface Probed {
  readonly ok: boolean;
  readonly vaults: readonly {
    readonly vault: string;
    readonly checks: readonly { readonly name: string; readonly status: string; readonly found: string }[];
  }[];
}

it("doctor --store says of each vault what it guarantees, and leaves it as it was", async () => {
  const node = await keyedNode("encrypt_key: HOME/a.key");
  const before = readdirSync(node.vault, { recursive: true }).sort();
  const { code, stdout, stderr } = await node.run(["doctor", "--store"]);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^main {2}file:\/\//);
  expect(stdout).toMatch(/^ok +create-only +a name that is taken is never overwritten: a second create was refused/m);
  expect(stdout).toMatch(/^note +versions +NOT so that the store keeps older versions/m);
  expect(readdirSync(node.vault, { recursive: true }).sort()).toEqual(before);

  const yaml = readFileSync(node.config, "utf8");
  writeFileSync(
    node.config,
    yaml.replace(/^vault: (.*)$/m, `vaults: [{ name: main, url: "$1" }, { name: gone, url: "$1-2" }]`),
  );
  const both = await node.run(["doctor", "--store", "--json"]);
  expect(both.code).toBe(8);
  const { ok, vaults } = JSON.parse(both.stdout) as Probed;
  expect(ok).toBe(false);
  expect(vaults.map(({ vault, checks }) => [vault, checks.filter(({ status }) => status === "fail").length])).toEqual([
    ["main", 0],
    ["gone", 1],
  ]);
  expect((await node.run(["doctor", "--store", "--vault", "main"])).code).toBe(0);
  rmSync(node.vault, { recursive: true });
  expect((await node.run(["doctor", "--store", "--vault", "main"])).stdout).toMatch(/^FAIL +vault +there is no vault/m);
});
