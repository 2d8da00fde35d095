import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { generateKeyText, isGenerated, readGenerated } from "../../../agent/keys/generated.ts";
import { generateKeyFile, guessable, loadKey, loadKeySource } from "../../../agent/keys/index.ts";
import { toBase64url } from "../../../vault/names/index.ts";
import { type KeyedNode, keyedNode } from "../../support/keyed-node.ts";
import { tempDir } from "../../support/tmp.ts";

const AES = { suite: "aes-256-gcm", field: "encrypt_key" } as const;
const SM4 = { suite: "sm4-gcm", field: "encrypt_key" } as const;
const CONTEXT = { suite: "aes-256-gcm", env: {}, askSecret: null } as const;
const read = (text: string) => readGenerated(Buffer.from(text, "latin1"), "encrypt_key");
/** The slots of one of a node's snapshots. */
function slotsOf({ vault }: KeyedNode) {
  const [path = ""] = globSync(join(vault, "demo/data/*/key.json")).sort();
  return { keyFile: JSON.parse(readFileSync(path, "utf8")) as { slots: Record<string, unknown>[] } };
}

describe("a key that coldkeep makes", () => {
  it.each([
    [AES, 32],
    [SM4, 16],
  ] as const)("is as many random bits as its cipher takes, as a text and in a file: %o", async (options, length) => {
    const text = generateKeyText(options.suite);
    expect(text).toMatch(/^ckkey1\.[\w-]+\.[\w-]{4}$/);
    const source = await loadKeySource(text, options);
    expect(source).toMatchObject({ kind: "string", generated: true });
    expect(source.bytes.length).toBe(length);
    expect(guessable(source)).toBeNull();
    const [, letters] = text.split(".");
    expect(toBase64url(source.bytes)).toBe(letters);
    const path = join(tempDir(), "a.key");
    writeFileSync(path, `${text.slice(0, 20)}\n ${text.slice(20)}\r\n`, { mode: 0o600 });
    expect((await loadKeySource(path, options)).bytes).toEqual(source.bytes);
    expect(generateKeyText(options.suite)).not.toBe(text);
  });

  it("is told from one that was copied wrongly, whatever letter it is", () => {
    const text = generateKeyText("aes-256-gcm");
    fc.assert(
      fc.property(fc.nat({ max: text.length - 8 }), fc.constantFrom(..."Aa0O-_.=+ é"), (at, letter) => {
        const slip = `${text.slice(0, 7 + at)}${letter}${text.slice(8 + at)}`;
        if (slip === text) return;
        expect(() => read(slip)).toThrow(/not copied rightly/);
      }),
    );
    for (const slip of [text.slice(0, -1), `${text}A`, text.slice(0, 30), "ckkey1.", "ckkey1..", `ckkey1.${text}`]) {
      expect(() => read(slip)).toThrow(/not copied rightly/);
    }
  });

  it("is read by bytes as Node reads base64url", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const text = `ckkey1.${toBase64url(bytes)}.AAAA`;
        expect(isGenerated(Buffer.from(text))).toBe(true);
        expect(() => read(text)).toThrow(/not copied rightly/);
      }),
    );
  });

  it("serves either cipher, whichever it was made for", async () => {
    expect((await loadKeySource(generateKeyText("sm4-gcm"), AES)).bytes.length).toBe(16);
    expect((await loadKeySource(generateKeyText("aes-256-gcm"), SM4)).bytes.length).toBe(32);
  });

  it("is told of nobody where it is wrong", () => {
    const text = generateKeyText("sm4-gcm");
    expect(() => read(`${text}x`)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(text.slice(9, 14)) }),
    );
  });

  it("is overwritten where it was read from, and when it was used", async () => {
    const bytes = Buffer.from(generateKeyText("aes-256-gcm"));
    readGenerated(bytes, "encrypt_key");
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    const key = await loadKey(
      { kind: "software", text: generateKeyText("aes-256-gcm"), field: "--key", consume: false, looseHex: false },
      CONTEXT,
    );
    key.forget?.();
    expect(key.software?.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it("encrypts and opens by whole commands, and is not stretched", async () => {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    generateKeyFile(node.path("a.key"));
    await node.json("backup");
    const { keyFile } = slotsOf(node);
    expect(keyFile.slots).toMatchObject([{ type: "key", stretch: { kdf: "none" } }]);
    expect(JSON.stringify(await node.json("key", "list"))).toContain('"bits":128');
    expect(await node.restored()).toBe("content of the node");
  });

  it("takes the place of a password and gives it back by rotation", async () => {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    node.file("a.key", "0H#y@EGXPOAScAnB");
    await node.json("backup");
    generateKeyFile(node.path("b.key"));
    node.setKeys("encrypt_key: HOME/b.key");
    await node.json("key", "rotate", "--old", node.path("a.key"));
    expect(slotsOf(node).keyFile.slots).toMatchObject([{ stretch: { kdf: "none" } }]);
    expect(await node.restored()).toBe("content of the node");
    await node.json("backup");
    node.setKeys("encrypt_key: HOME/a.key");
    await node.json("key", "rotate", "--old", node.path("b.key"));
    expect(slotsOf(node).keyFile.slots).toMatchObject([{ stretch: { kdf: "scrypt" } }]);
    expect(await node.restored()).toBe("content of the node");
  });
});
