import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { describe, expect, it } from "vitest";
import { keyedNode } from "../support/keyed-node.ts";
import { pythonOrSkip, pythonWith } from "../support/python.ts";

const tools = fileURLToPath(new URL("../../tools", import.meta.url));
const found = await pythonWith(join(tools, "requirements.txt"));
const { skip, title } = pythonOrSkip(found);

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
});
