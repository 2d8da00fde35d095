import { chmodSync, globSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type KeyedNode, keyedNode } from "../../support/keyed-node.ts";

/** What is wrong with a key is told by the command, by its own exit code, before anything of the node is touched. */
const GOOD = "0H#y@EGXPOAScAnB";
const text = (bytes: number) => "Ab3#".repeat(9).slice(0, bytes);
const hex = (bytes: number) => `0x${Buffer.from(text(bytes)).toString("hex")}`;
const file =
  (content: string, mode = 0o600) =>
  (node: KeyedNode) =>
    void node.file("a.key", content, mode);
const chainmaker = (storage: string) => (node: KeyedNode) =>
  void node.file("chainmaker.yml", `storage: { ${storage} }\n`);

interface Bad {
  readonly what: string;
  readonly keys: string;
  readonly words: RegExp;
  readonly code?: number;
  readonly prepare?: (node: KeyedNode) => void;
}

const lengths: Bad[] = [15, 17, 33].flatMap((bytes) => [
  {
    what: `a text of ${bytes} bytes`,
    keys: `encrypt_key: "${text(bytes)}"`,
    words: new RegExp(
      `the text has ${bytes} bytes, aes-256-gcm takes 16, 24 or 32.*coldkeep key generate --aes-256`,
      "s",
    ),
  },
  {
    what: `hexadecimal of ${bytes} bytes`,
    keys: `encrypt_key: "${hex(bytes)}"`,
    words: new RegExp(`its digits are ${bytes} bytes, aes-256-gcm takes 16, 24 or 32`),
  },
  {
    what: `a file of ${bytes} bytes`,
    keys: "encrypt_key: HOME/a.key",
    prepare: file(`${text(bytes)}\n`),
    words: new RegExp(`the file has ${bytes} bytes, aes-256-gcm takes 16, 24 or 32`),
  },
  {
    what: `a text of ${bytes} bytes, for sm4`,
    keys: `encryptor: sm4\nencrypt_key: "${text(bytes)}"`,
    words: new RegExp(`the text has ${bytes} bytes, sm4-gcm takes 16`),
  },
  {
    what: `a chainmaker.yml with ${bytes} bytes in hexadecimal`,
    keys: "keys: { chainmaker: HOME/chainmaker.yml }",
    prepare: chainmaker(`encryptor: aes, encrypt_key: "${hex(bytes)}"`),
    words: new RegExp(`its digits are ${bytes} bytes`),
  },
]);

const others: Bad[] = [
  {
    what: "hexadecimal with an odd number of digits",
    keys: `encrypt_key: "0x${"a1".repeat(15)}b"`,
    words: /the key is not hexadecimal.*it has 31 digits, an odd number/s,
  },
  { what: "0x alone", keys: 'encrypt_key: "0x"', words: /its digits are 0 bytes/ },
  {
    what: "0x alone in a chainmaker.yml, which is a text there",
    keys: "keys: { chainmaker: HOME/chainmaker.yml }",
    prepare: chainmaker('encryptor: aes, encrypt_key: "0x"'),
    words: /the text has 2 bytes/,
  },
  { what: "0x before no hexadecimal", keys: 'encrypt_key: "0xno-hex-at-all!"', words: /character 3 is no hexadecimal/ },
  {
    what: "an empty file",
    keys: "encrypt_key: HOME/a.key",
    prepare: file(""),
    words: /the file has 0 bytes.*consumed already, as ChainMaker does; put the key back/s,
  },
  {
    what: "a file of line ends only",
    keys: "encrypt_key: HOME/a.key",
    prepare: file("\r\n \n"),
    words: /without spaces and line ends the file has 0 bytes/,
  },
  { what: "a missing file", keys: "encrypt_key: HOME/a.key", words: /there is no key file: .*a\.key/ },
  {
    what: "a file that everybody can read",
    keys: "encrypt_key: HOME/a.key",
    prepare: (node) => chmodSync(node.file("a.key", GOOD), 0o644),
    code: 14,
    words: /others can read.*its mode is 644, allowed is 600 or less.*chmod 600/s,
  },
  {
    what: "a folder",
    keys: "encrypt_key: HOME/a.key",
    prepare: (node) => mkdirSync(node.path("a.key"), { mode: 0o700 }),
    words: /it is not a plain file/,
  },
  {
    what: "a file far too large",
    keys: "encrypt_key: HOME/a.key",
    prepare: file("x".repeat(5000)),
    words: /it has 5000 bytes; a key file has at most 4096/,
  },
  {
    what: "an encryptor misspelt",
    keys: "encryptor: seas\nencrypt_key: HOME/a.key",
    prepare: file(GOOD),
    code: 3,
    words: /encryptor: found "seas"; allowed: aes or sm4/,
  },
  {
    what: "an encryptor misspelt in a chainmaker.yml",
    keys: "keys: { chainmaker: HOME/chainmaker.yml }",
    prepare: chainmaker('encryptor: sm44, encrypt_key: "x"'),
    code: 3,
    words: /storage\.encryptor is "sm44"; allowed are sm4 and aes/,
  },
  {
    what: "both encrypt_key and keys",
    keys: "encrypt_key: HOME/a.key\nkeys: [HOME/a.key]",
    prepare: file(GOOD),
    code: 3,
    words: /keys: encrypt_key is given, too/,
  },
];

describe("a backup with", () => {
  it.each([...lengths, ...others])(
    "$what is refused in words that help",
    async ({ keys, words, code = 4, prepare }) => {
      const node = await keyedNode("encrypt_key: HOME/none.key");
      prepare?.(node);
      node.setKeys(keys);
      const ran = await node.run(["backup"]);
      expect(ran.stderr).toMatch(words);
      expect(ran.code).toBe(code);
      expect(globSync(`${node.vault}/demo/data/*`)).toEqual([]);
      // What looks at everything says it, too, and by the same words.
      const looked = await node.run(["doctor"]);
      expect(looked.stdout + looked.stderr).toMatch(words);
    },
  );
});

describe("a chainmaker.yml", () => {
  it("with 0x before no hexadecimal has a text for its key, byte for byte, as the node has it", async () => {
    const node = await keyedNode("encrypt_key: HOME/none.key");
    chainmaker('encryptor: aes, encrypt_key: "0xno-hex-at-all!"')(node);
    node.setKeys("keys: { chainmaker: HOME/chainmaker.yml }");
    await node.json("backup");
    node.file("a.key", "0xno-hex-at-all!");
    node.setKeys("encrypt_key: HOME/a.key");
    expect(await node.restored()).toBe("content of the node");
    node.file("a.key", "0xno-hex-at-all?");
    expect(await node.run(["restore", "--to", node.path("never")])).toMatchObject({ code: 4 });
  });

  it("whose key file is consumed: emptied once it was read, told the next time, and refused under a timer", async () => {
    const node = await keyedNode("encrypt_key: HOME/none.key");
    const key = node.file("own.key", `${GOOD}\n`);
    chainmaker(`encryptor: aes, encrypt_key: "${key}"`)(node);
    node.setKeys("keys: { chainmaker: HOME/chainmaker.yml }\nconsume_key_file: true");
    const timer = { env: { TRIGGER_UNIT: "coldkeep-demo.timer" } };
    expect(await node.run(["backup"], timer)).toMatchObject({ code: 12, stderr: expect.stringContaining("consume") });
    expect(readFileSync(key, "utf8")).toBe(`${GOOD}\n`);
    expect((await node.run(["doctor"])).stdout).toMatch(/WARN +key refilled/);
    expect(statSync(key).size).toBe(GOOD.length + 1);
    expect(await node.run(["backup"])).toMatchObject({ code: 0, stderr: expect.stringContaining("put the key back") });
    expect(statSync(key).size).toBe(0);
    expect(await node.run(["backup"])).toMatchObject({ code: 4, stderr: expect.stringContaining("consumed already") });
    expect(await node.run(["restore", "--to", node.path("never")])).toMatchObject({ code: 4 });
    node.file("own.key", GOOD);
    node.setKeys(
      "keys: { chainmaker: HOME/chainmaker.yml }\nconsume_key_file: true\nrefill_key_file: cp HOME/kept HOME/own.key",
    );
    node.file("kept", GOOD);
    expect(await node.run(["backup"], timer)).toMatchObject({ code: 0 });
    expect(await node.run(["backup"], timer)).toMatchObject({ code: 0 });
  });
});
