import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { beforeAll, describe, expect, it } from "vitest";
import { type KeyedNode, keyedNode } from "../../support/keyed-node.ts";
import { sharedTempDir } from "../../support/tmp.ts";

const [oldId = "", newId = "", otherId = ""] = await Promise.all([1, 2, 3].map(() => generateX25519Identity()));
const [oldKey, newKey, otherKey] = await Promise.all([oldId, newId, otherId].map((one) => identityToRecipient(one)));

interface Row {
  readonly snapshot: string;
  readonly outcome: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly generation?: number;
}
interface Rekeyed {
  readonly nodes: readonly { readonly node: string; readonly outcomes: readonly Row[] }[];
  readonly rewritten: number;
  readonly unchanged: number;
}

const base = sharedTempDir("coldkeep-rotate");
const made = (keys: string) => keyedNode(keys, undefined, base);
const generations = (node: KeyedNode, name = "demo") =>
  globSync(`${node.vault}/${name}/data/*/key.json`)
    .sort()
    .map((path) => JSON.parse(readFileSync(path, "utf8")).generation as number);

beforeAll(async () => {
  const node = await keyedNode(`keys: [${oldKey}]\nidentities: [age:HOME/old.txt]`, base);
  for (const [name, identity] of Object.entries({ old: oldId, new: newId, other: otherId }))
    node.file(`${name}.txt`, identity);
  node.file("a.key", "0H#y@EGXPOAScAnB");
  await node.json("backup");
});

describe("key rotate from a key that", () => {
  it("has no slot anywhere is an error that says whose slots there are: the old key still opens all", async () => {
    const node = await made(`keys: [${newKey}]\nidentities: [age:HOME/old.txt, age:HOME/new.txt]`);
    for (const wrong of [`age:${node.path("other.txt")}`, otherKey ?? "", node.path("a.key")]) {
      const ran = await node.run(["key", "rotate", "--old", wrong]);
      expect(ran.code, ran.stderr).toBe(4);
      expect(ran.stderr).toMatch(/no snapshot has a slot of the key that is to go.*slots of others there are: age /s);
      expect(ran.stderr).toContain(wrong);
    }
    // Where another one took the last slot that was not of the configuration, nobody is left who could be meant.
    const two = ["key", "rotate", "--old", otherKey ?? "", "--old", oldKey ?? ""];
    node.setKeys(`keys: [${newKey}, ${await identityToRecipient(await generateX25519Identity())}]
identities: [age:HOME/old.txt, age:HOME/new.txt]`);
    expect(await node.run(two)).toMatchObject({ code: 0 });
    const left = await node.run(["key", "list"]);
    expect(left.stdout.match(/ age /g)).toHaveLength(2);
  });

  it("has lost its slots to an earlier run is no error where nobody else could be meant", async () => {
    const node = await made(`keys: [${newKey}]\nidentities: [age:HOME/old.txt, age:HOME/new.txt]`);
    const rotate = ["key", "rotate", "--old", oldKey ?? ""];
    expect(await node.json<Rekeyed>(...rotate)).toMatchObject({ rewritten: 1 });
    expect(await node.json<Rekeyed>(...rotate)).toMatchObject({ rewritten: 0, unchanged: 1 });
    expect(await node.run(["key", "remove", oldKey ?? ""])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("no snapshot has a slot of the key that is to go"),
    });
  });

  it("the configuration still has, under whatever name, is refused before anything is rewritten", async () => {
    const node = await made(`keys: [${oldKey}]\nidentities: [age:HOME/old.txt]`);
    for (const same of [oldKey ?? "", `age:${node.path("old.txt")}`]) {
      expect(await node.run(["key", "rotate", "--old", same])).toMatchObject({
        code: 12,
        stderr: expect.stringContaining("still encrypted for"),
      });
    }
    node.file("b.key", "0H#y@EGXPOAScAnB\n");
    node.setKeys(`keys: [HOME/a.key]\nidentities: [age:HOME/old.txt]`);
    expect(await node.run(["key", "rotate", "--old", node.path("b.key")])).toMatchObject({ code: 12 });
    expect(generations(node)).toEqual([1]);
  });
});

describe("a key that was rotated away", () => {
  it("opens what it kept: an old key file is as good as it was, and nothing else is", async () => {
    const node = await made(`keys: [${newKey}]\nidentities: [age:HOME/new.txt]`);
    const [path = ""] = globSync(`${node.vault}/demo/data/*/key.json`);
    const kept = readFileSync(path);
    await node.json("key", "rotate", "--old", `age:${node.path("old.txt")}`);
    node.setKeys(`keys: [${oldKey}]\nidentities: [age:HOME/old.txt]`);
    expect(await node.run(["restore", "--to", node.path("never")])).toMatchObject({ code: 4 });
    writeFileSync(path, kept);
    expect(await node.restored()).toBe("content of the node");
  });
});

describe("key commands on a vault with several nodes", () => {
  it("are about all of them, or the one named; each snapshot's outcome is told", async () => {
    const node = await made(`keys: [${oldKey}]\nidentities: [age:HOME/old.txt]`);
    const more = join(node.home, "more");
    mkdirSync(more);
    writeFileSync(join(more, "file"), "another node's");
    const setKeys = (yaml: string) => {
      node.setKeys(yaml);
      const text = readFileSync(node.config, "utf8");
      const second = `, second: { profile: files, roots: { data: ${more} }, service: { manager: none } } }`;
      writeFileSync(node.config, text.replace(/ \}\s*$/, second));
    };
    setKeys(`keys: [${oldKey}]\nidentities: [age:HOME/old.txt]`);
    expect((await node.run(["init"])).stderr).toBe("");
    await node.json("backup", "--node", "second");
    await node.json("backup", "--node", "second");
    setKeys(`keys: [${newKey}]\nidentities: [age:HOME/old.txt, age:HOME/new.txt]`);

    const rotate = ["key", "rotate", "--old", oldKey ?? ""];
    const one = await node.json<Rekeyed>(...rotate, "--node", "second");
    expect(one.nodes.map(({ node: name }) => name)).toEqual(["second"]);
    const label = /^age [0-9a-f]{16}$/;
    for (const row of one.nodes[0]?.outcomes ?? []) {
      expect(row).toMatchObject({ outcome: "rewritten", generation: 2 });
      expect(row.added.concat(row.removed)).toEqual([expect.stringMatching(label), expect.stringMatching(label)]);
    }
    expect(generations(node, "second")).toEqual([2, 2]);
    expect(generations(node)).toEqual([1]);
    expect(await node.run([...rotate, "--node", "third"])).toMatchObject({ code: 2 });

    const { code, stdout } = await node.run(rotate);
    expect(code).toBe(0);
    expect(stdout).toMatch(/NODE +SNAPSHOT +OUTCOME +ADDED +REMOVED/);
    expect(stdout).toMatch(/^demo +20\S+ +rewritten +age [0-9a-f]{16} +age [0-9a-f]{16}$/m);
    expect(stdout.match(/^second +20\S+ +as it was *$/gm)).toHaveLength(2);
    expect(stdout).toContain("1 key file rewritten, 2 as they should be, 0 failed.");
    expect((await node.run(["key", "list", "--node", "second"])).stdout).toMatch(/^second +age +\S+ +2 of 2 /m);
  });
});
