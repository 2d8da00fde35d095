import { rmSync, writeFileSync } from "node:fs";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { describe, expect, it } from "vitest";
import { keyedNode } from "../../support/keyed-node.ts";

const A = "0H#y@EGXPOAScAnB";
const B = "1H#y@EGXPOAScAnB";

describe("a node with several keys", () => {
  it("is restored by any one of them, and by no other", async () => {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    node.file("a.key", A);
    node.file("b.key", B);
    node.setKeys("keys: [HOME/a.key, HOME/b.key]");
    const { snapshot } = await node.json<{ snapshot: string }>("backup");
    for (const keys of ["encrypt_key: HOME/a.key", "encrypt_key: HOME/c\nidentities: [HOME/b.key]"]) {
      node.setKeys(keys);
      expect(await node.restored(snapshot)).toBe("content of the node");
    }
    node.file("c.key", "2H#y@EGXPOAScAnB");
    node.setKeys("encrypt_key: HOME/c.key\nidentities: [HOME/gone.key]");
    const { code, stderr } = await node.run(["restore", snapshot, "--to", node.path("never")]);
    expect(code).toBe(4);
    expect(stderr).toContain("a key cannot be used, the others are tried: there is no key file");
    expect(stderr).toMatch(
      /none of the keys given opens this snapshot.*sealed for: "key [0-9a-f]{16}", "key [0-9a-f]{16}"; tried:\n.*c\.key: fits no slot/s,
    );
  });

  it("is not backed up where one of them is missing: an archive with fewer keys would look like a good one", async () => {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    node.file("a.key", A);
    node.setKeys("keys: [HOME/a.key, HOME/b.key]");
    const { code, stderr } = await node.run(["backup"]);
    expect(code).toBe(4);
    expect(stderr).toContain("there is no key file");
    expect((await node.json<{ snapshots: unknown[] }>("list")).snapshots).toEqual([]);
  });
});

it("strict_sm refuses aes, which is the default, and keys that SM4 does not wrap", async () => {
  const node = await keyedNode("encrypt_key: HOME/a.key");
  node.file("a.key", A);
  node.setKeys("encrypt_key: HOME/a.key\nstrict_sm: true");
  expect(await node.run(["backup"])).toMatchObject({ code: 3, stderr: expect.stringContaining("encryptor is aes") });
  const age = await identityToRecipient(await generateX25519Identity());
  node.setKeys(`keys: [HOME/a.key, ${age}]\nencryptor: sm4\nstrict_sm: true`);
  expect(await node.run(["backup"])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("strict_sm refuses this key"),
  });
});

it("a software key in a credential is looked at by doctor like one in a file, wherever systemd puts it", async () => {
  const node = await keyedNode("encrypt_key: HOME/a.key");
  node.file("a.key", A);
  node.setKeys("encrypt_key: credential:a.key");
  const { stdout } = await node.run(["doctor"], { env: { CREDENTIALS_DIRECTORY: node.home } });
  expect(stdout).toMatch(/ok +key +16 bytes, credential:a\.key/);
});

describe("a key file that is emptied after reading", () => {
  const consumed = "encrypt_key: HOME/a.key\nconsume_key_file: true";

  it("is refused under a timer, before it is emptied", async () => {
    const node = await keyedNode(consumed);
    node.file("a.key", A);
    const { code, stderr } = await node.run(["backup"], { env: { TRIGGER_UNIT: "coldkeep-demo.timer" } });
    expect(stderr).toMatch(/refused to empty a key file under a timer.*credential.*refill_key_file/s);
    expect(code).toBe(12);
    expect(await node.run(["doctor"])).toMatchObject({ stdout: expect.stringMatching(/WARN +key refilled/) });
    node.setKeys("encrypt_key: HOME/a.key");
    await node.json("backup");
  });

  it("is put back by refill_key_file before each backup, and says what failed", async () => {
    const node = await keyedNode(consumed);
    node.file("kept", A);
    node.setKeys(`${consumed}\nrefill_key_file: cp HOME/kept HOME/a.key`);
    const timer = { env: { TRIGGER_UNIT: "coldkeep-demo.timer" } };
    expect(await node.run(["backup"], timer)).toMatchObject({ code: 0 });
    expect(await node.run(["backup"], timer)).toMatchObject({ code: 0 });
    rmSync(node.path("kept"));
    const { code, stderr } = await node.run(["backup"], timer);
    expect(code).toBe(4);
    expect(stderr).toContain("the command that puts the key back failed");
  });

  it("warns a person who runs it, and says on the next run that it is empty", async () => {
    const node = await keyedNode(consumed);
    node.file("a.key", A);
    expect(await node.run(["backup"])).toMatchObject({ code: 0, stderr: expect.stringContaining("put the key back") });
    expect(await node.run(["backup"])).toMatchObject({ code: 4, stderr: expect.stringContaining("consumed already") });
    writeFileSync(node.path("a.key"), A);
    expect(await node.run(["doctor"])).toMatchObject({ code: 0 });
    expect(await node.run(["doctor"])).toMatchObject({ code: 0 });
  });
});
