import { globSync, readFileSync, writeFileSync } from "node:fs";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { describe, expect, it } from "vitest";
import { canonicalBytes } from "../../../vault/card/index.ts";
import { type KeyedNode, keyedNode } from "../../support/keyed-node.ts";

interface KeyJson {
  slots: Record<string, unknown>[];
  [member: string]: unknown;
}

/** What whoever can write to a vault may put into a key file, and what commands do with it. */
const keyFileOf = (node: KeyedNode) => globSync(`${node.vault}/demo/data/*/key.json`)[0] ?? "";
function tamper(node: KeyedNode, change: (file: KeyJson) => void): void {
  const path = keyFileOf(node);
  const file = JSON.parse(readFileSync(path, "utf8")) as KeyJson;
  change(file);
  writeFileSync(path, canonicalBytes(file as never));
}

async function made(encryptor = "aes"): Promise<KeyedNode> {
  const node = await keyedNode(`encrypt_key: HOME/a.key\nencryptor: ${encryptor}`);
  node.file("a.key", "0H#y@EGXPOAScAnB");
  await node.json("backup");
  return node;
}

describe("a key slot that an attacker wrote", () => {
  // None of these could ever be computed: that an answer comes at all shows that nobody tried.
  it.each([
    ["a million times the memory", "aes", { n: 2 ** 37 }, /N is \d+, allowed/],
    ["more passes", "aes", { p: 2 ** 30 }, /p is \d+, allowed/],
    ["next to no work, so that guesses are cheap", "aes", { n: 2 }, /N is 2, allowed/],
    ["iterations without end", "sm4", { iterations: 2 ** 50 }, /iterations are \d+, allowed/],
  ])("asking for %s is refused, and nothing is computed", async (_, encryptor, cost, words) => {
    const node = await made(encryptor);
    tamper(node, ({ slots: [slot] }) => {
      if (slot === undefined) throw new Error("a slot is there");
      slot.stretch = { ...(slot.stretch as object), ...cost };
    });
    for (const command of [["restore", "--to", node.path("copy")], ["verify"], ["key", "test"]]) {
      const ran = await node.run(command);
      expect(ran.code, command.join(" ")).not.toBe(0);
      expect(ran.stderr + ran.stdout, command.join(" ")).toMatch(/asks for a stretching that is refused/);
    }
    expect((await node.run(["restore", "--to", node.path("copy")])).stderr).toMatch(words);
  });

  it("beside the own one costs nothing and hides nothing: the own one opens", async () => {
    const node = await made();
    tamper(node, (file) => {
      const [own] = file.slots;
      const stretch = { ...(own?.stretch as object), n: 2 ** 37 };
      file.slots = [{ ...own, id: "evil", stretch }, ...file.slots];
    });
    expect(await node.run(["restore", "--to", node.path("copy")])).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/was changed by somebody who does not hold the key.*did not open slot evil/s),
    });
  });

  it("of an unknown type is passed over with a note; of a known type with strange members, it is damage", async () => {
    const node = await made();
    tamper(node, (file) => {
      const [own] = file.slots;
      file.slots = [
        { ...own, id: "young", type: "quantum" },
        { ...own, id: "evil", library: "/tmp/evil.so" },
        ...file.slots,
      ];
    });
    const { code, stderr } = await node.run(["restore", "--to", node.path("copy")]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/a key slot of type "quantum" was passed over/);
    expect(stderr).toMatch(/did not open slot evil.*not as the format describes/s);
  });

  it("for his age recipient is wrapped for by no later backup, nor carried on by rotation", async () => {
    const node = await made();
    const evil = await identityToRecipient(await generateX25519Identity());
    tamper(node, (file) => {
      file.slots = [...file.slots, { id: "evil", type: "age", kid: "0".repeat(16), added: 0, ct: "AAAA" }];
    });
    await node.json("backup", "--full");
    const later = globSync(`${node.vault}/demo/data/*/key.json`).filter(
      (path) => !readFileSync(path, "utf8").includes("evil"),
    );
    expect(later).toHaveLength(1);
    const types = (JSON.parse(readFileSync(later[0] ?? "", "utf8")) as KeyJson).slots.map(({ type }) => type);
    expect(types).toEqual(["key"]);
    const added = await node.run(["key", "add", evil]);
    expect(added.code).toBe(4);
    expect(added.stderr).toContain("whose slots somebody changed");
  });

  it("in a key file of an older generation of the same snapshot opens: nothing tells old from new but the store", async () => {
    const node = await made();
    const before = readFileSync(keyFileOf(node));
    const age = await identityToRecipient(await generateX25519Identity());
    await node.json("key", "add", age);
    writeFileSync(keyFileOf(node), before);
    expect(await node.run(["restore", "--to", node.path("copy")])).toMatchObject({ code: 0 });
  });
});
