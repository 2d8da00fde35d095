import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { describe, expect, it } from "vitest";
import { generateKeyText } from "../../agent/keys/generated.ts";
import { type KeyedNode, keyedNode } from "../support/keyed-node.ts";
import { pythonOrSkip, pythonWith } from "../support/python.ts";
import { tempDir } from "../support/tmp.ts";
import { toolOrSkip } from "../support/tools.ts";

const tools = fileURLToPath(new URL("../../tools", import.meta.url));
const found = await pythonWith(join(tools, "requirements.txt"));
const { skip, title } = pythonOrSkip(found);
const age = toolOrSkip("age", "age");

describe.skipIf(skip)(`the independent reader in Python${title}`, () => {
  it.each(["aes", "sm4"])("opens slots of age recipients and RSA keys, with %s", async (encryptor) => {
    const identity = await generateX25519Identity();
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const keys = `keys: [${await identityToRecipient(identity)}, "rsa:HOME/public.pem"]\nencryptor: ${encryptor}`;
    const node = await keyedNode("encrypt_key: HOME/none.key");
    node.file("public.pem", publicKey.export({ type: "spki", format: "pem" }) as string);
    const age = node.file("identity.txt", `# a comment\n${identity}\n`);
    const rsa = node.file("private.pem", privateKey.export({ type: "pkcs8", format: "pem" }) as string);
    node.setKeys(keys);
    await node.json("backup");
    const python = "python" in found ? found.python : "";
    const words = [join(tools, "read_vault.py"), "--vault", node.vault, "--node", "demo"];
    for (const [flag, path] of [
      ["--age-identity", age],
      ["--rsa-key", rsa],
    ] as const) {
      const to = node.path(`read${flag}`);
      execFileSync(python, [...words, flag, path, "--to", to], { stdio: "pipe" });
      expect(readFileSync(join(to, "data", "file"), "utf8")).toBe("content of the node");
    }
    const other = node.file("other.txt", await generateX25519Identity());
    const refused = () =>
      execFileSync(python, [...words, "--age-identity", other, "--to", node.path("no")], { stdio: "pipe" });
    expect(refused).toThrow(/the key given does not open/);
  });

  const python = "python" in found ? found.python : "";
  const read = (node: KeyedNode, words: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const to = join(tempDir("coldkeep-read"), "to");
    const argv = [join(tools, "read_vault.py"), "--vault", node.vault, "--node", "demo", ...words, "--to", to];
    execFileSync(python, argv, { stdio: "pipe", env: { ...process.env, ...env } });
    return readFileSync(join(to, "data", "file"), "utf8");
  };
  const content = "content of the node";

  it.each(["aes", "sm4"])(
    "opens slots of software keys, as a text, in hexadecimal or in a file, with %s",
    async (encryptor) => {
      const text = "0H#y@EGXPOAScAnB";
      const hex = `0x${Buffer.from(text).toString("hex")}`;
      const node = await keyedNode("encrypt_key: HOME/a.key");
      node.setKeys(`encrypt_key: "${text}"\nencryptor: ${encryptor}`);
      await node.json("backup");
      expect(read(node, ["--key-env", "K"], { K: text })).toBe(content);
      expect(read(node, ["--key-env", "K"], { K: hex })).toBe(content);
      expect(read(node, ["--key-file", node.file("a.key", `${text}\r\n`)])).toBe(content);
      expect(() => read(node, ["--key-env", "K"], { K: "1H#y@EGXPOAScAnB" })).toThrow(/does not open/);
    },
  );

  it.each(["aes", "sm4"])("opens slots of keys that coldkeep made, with %s", async (encryptor) => {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    const key = generateKeyText(encryptor === "sm4" ? "sm4-gcm" : "aes-256-gcm");
    const file = node.file("a.key", `${key}\n`);
    node.setKeys(`encrypt_key: HOME/a.key\nencryptor: ${encryptor}`);
    await node.json("backup");
    expect(read(node, ["--key-file", file])).toBe(content);
    expect(read(node, ["--key-env", "K"], { K: key })).toBe(content);
    expect(() => read(node, ["--key-env", "K"], { K: `${key}x` })).toThrow(/not copied rightly/);
    expect(() => read(node, ["--key-env", "K"], { K: "0H#y@EGXPOAScAnB" })).toThrow(/does not open/);
  });

  it("opens RSA slots by OAEP with SHA-1, and a private key under a passphrase", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const node = await keyedNode('keys: [{ key: "rsa:HOME/public.pem", hash: sha1 }]');
    node.file("public.pem", publicKey.export({ type: "spki", format: "pem" }));
    const locked = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "four short words" } as const;
    const path = node.file("locked.pem", privateKey.export(locked));
    await node.json("backup");
    expect(read(node, ["--rsa-key", path, "--passphrase-env", "P"], { P: "four short words" })).toBe(content);
    expect(() => read(node, ["--rsa-key", path])).toThrow(/under a passphrase: give --passphrase-env/);
    expect(() => read(node, ["--rsa-key", path, "--passphrase-env", "P"], { P: "no" })).toThrow(/passphrase does not/);
  });

  it.skipIf(age.skip)(
    `opens by identities that age -p put under a passphrase, as coldkeep does${age.title}`,
    async () => {
      const node = await keyedNode("encrypt_key: HOME/none.key");
      const identity = await generateX25519Identity();
      node.setKeys(`keys: [${await identityToRecipient(identity)}]`);
      await node.json("backup");
      node.file("id.txt", `# mine\n${identity}\n`);
      for (const [name, form] of [
        ["binary.age", []],
        ["armored.age", ["-a"]],
      ] as const) {
        const path = agePassphrase(
          node,
          ["-p", ...form, "-o", node.path(name), node.path("id.txt")],
          "four short words",
        );
        expect(read(node, ["--age-identity", path, "--passphrase-env", "P"], { P: "four short words" })).toBe(content);
        expect(() => read(node, ["--age-identity", path])).toThrow(/under a passphrase: give/);
        expect(() => read(node, ["--age-identity", path, "--passphrase-env", "P"], { P: "no" })).toThrow(
          /does not open/,
        );
        chmodSync(path, 0o600);
        node.setKeys(`encrypt_key: HOME/none.key\nidentities: [{ key: "age:${path}", passphrase: "env:P" }]`);
        const env = { env: { P: "four short words" } };
        const to = node.path(`${name}-to`);
        const ran = await node.run(["restore", "--to", to], env);
        expect(ran.code, ran.stderr).toBe(0);
        expect(readFileSync(join(to, "data", "file"), "utf8")).toBe(content);
        const wrong = await node.run(["restore", "--to", node.path("never")], { env: { P: "wrong one" } });
        expect(wrong).toMatchObject({ code: 4, stderr: expect.stringContaining("passphrase does not open") });
      }
    },
  );
});

/** Runs age on a terminal of its own, for it takes passphrases from nowhere else. @returns the file it made. */
function agePassphrase(node: KeyedNode, words: readonly string[], passphrase: string): string {
  const line = ["age", ...words].map((word) => `'${word}'`).join(" ");
  execFileSync("script", ["-qec", line, "/dev/null"], { input: `${passphrase}\n${passphrase}\n`, cwd: node.home });
  return words.at(-2) ?? "";
}
