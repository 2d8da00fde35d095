import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { initNodeState } from "../../agent/state/index.ts";
import { toNodeName } from "../../vault/names/index.ts";
import { keyedNode } from "../support/keyed-node.ts";
import { assertPrintedNoKey } from "../support/learn-secrets.ts";
import { tempDir } from "../support/tmp.ts";
import { makeHost } from "./host.ts";

/** The net below every run of the suite: it has to know the keys that nobody told it. */
const caught = (argv: readonly string[], secret: string, env = {}) =>
  expect(() => assertPrintedNoKey(argv, `error: ${secret} is wrong`, env)).toThrow(/printed a secret of \d+ letters/);
const passes = (argv: readonly string[], text: string, env = {}) =>
  expect(() => assertPrintedNoKey(argv, text, env)).not.toThrow();
const config = (text: string) => {
  const path = join(tempDir("coldkeep-net"), "config.yaml");
  writeFileSync(path, text);
  return path;
};

describe("the net that every run of the suite is held against", () => {
  it("knows the keys that init made: to open with, to sign cards, to name chunks", async () => {
    const host = await makeHost(tempDir("coldkeep-net"));
    await host.json("backup");
    const argv = ["list", "--config", host.config];
    caught(argv, readFileSync(host.key, "utf8").trim());
    const { state } = initNodeState(join(host.home, "state"), toNodeName("demo"));
    const pem = readFileSync(join(state.folder, "card-signing.pem"), "utf8").split("\n")[1] ?? "";
    caught(argv, pem);
    passes(argv, state.publicKey);
  });

  it("knows what key generate wrote, where it is not told to print it", async () => {
    const node = await keyedNode("encrypt_key: HOME/none.key");
    const path = node.path("made.key");
    await node.json("key", "generate", "--aes-256", "--to", path);
    caught(["key", "generate", "--aes-256", "--to", path], readFileSync(path, "utf8").trim());
    const printed = await node.run(["key", "generate", "--sm4", "--stdout"]);
    expect(printed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ckkey1\.[\w-]{22}\.[\w-]{4}\n$/) });
  });

  it.each([
    ["a text", 'encrypt_key: "Inline#text@16by"', "Inline#text@16by"],
    ["hexadecimal, as written", "keys: ['0x496e6c696e6523686578403136627974']", "496e6c696e6523686578403136627974"],
    ["hexadecimal, as it reads", "keys: ['0x496e6c696e6523686578403136627974']", "Inline#hex@16byt"],
    ["one of several keys", 'keys: [{ key: "Inline#list@16by" }]', "Inline#list@16by"],
    ["a passphrase", 'keys: [{ key: "age:/x", passphrase: "inline passphrase" }]', "inline passphrase"],
    ["a PIN", 'pkcs11: { password: "inline-pin-12" }', "inline-pin-12"],
    ["a PIN by the environment", 'pkcs11: { password: "env:NET_PIN" }', "pin-of-environment"],
  ])("knows %s of the configuration", (_, text, secret) => {
    caught(["backup", "--config", config(text)], secret, { NET_PIN: "pin-of-environment" });
  });

  it("knows a chainmaker.yml's key, and takes the label of a key in a token for none", () => {
    const text = config('storage: { encrypt_key: "Chainmaker#16byt" }');
    caught(["backup", "--config", config(`keys: { chainmaker: ${text} }`)], "Chainmaker#16byt");
    const token = config("encrypt_key: label-of-a-key-in-it\npkcs11: { label: x }");
    passes(["backup", "--config", token], "label-of-a-key-in-it");
  });
});
