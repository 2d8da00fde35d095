import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig, parseConfig } from "../../../agent/config/index.ts";
import { tempDir } from "../../support/tmp.ts";

const SECRET = "Hush-4-Hush-5-Hu";
const REST = "nodes: { demo: { profile: files, roots: { data: /srv/demo }, service: { manager: none } } }\n";
const parse = (keys: string) => parseConfig(`version: 1\nvault: file:///v\n${keys}\n${REST}`, "c.yaml", []);

describe("keys in a configuration", () => {
  it("are one, or several in order, or keys to restore with beside them", () => {
    expect(parse("encrypt_key: /k").keys).toMatchObject([{ field: "encrypt_key", text: "/k", looseHex: false }]);
    const { keys, identities } = parse(`keys: [/k, "${SECRET}"]\nidentities: [/old]`);
    expect(keys).toMatchObject([
      { field: "keys.0", text: "/k" },
      { field: "keys.1", text: SECRET },
    ]);
    expect(identities).toMatchObject([{ field: "identities.0", text: "/old", consume: false }]);
  });

  it.each([
    ["in both ways", "encrypt_key: /k\nkeys: [/k]", /keys: encrypt_key is given, too/],
    [
      "in none",
      "consume_key_file: false",
      /encrypt_key: missing; allowed: encrypt_key for one key, or keys for several/,
    ],
    ["as an empty list", "keys: []", /at least one key/],
    ["as a number in a list", "keys: [1234567890123456]", /keys.0: found a number .YAML reads/],
    ["with an encryptor beside chainmaker.yml's", "encryptor: aes\nkeys: { chainmaker: /c.yml }", /leave it out here/],
    ["with an encryptor misspelt", "encryptor: seas\nencrypt_key: /k", /encryptor: found "seas"; allowed: aes or sm4/],
  ])("written %s are refused", (_, keys, words) => {
    expect(() => parse(keys)).toThrow(words);
  });

  it.each([
    ["in a list of lists", `keys: [[${SECRET}]]`],
    ["as a setting's name", `keys: { ${SECRET}: 1 }`],
    ["beside an unknown key", `keys: ["${SECRET}"]\nkees: 1`],
    ["among identities", `encrypt_key: /k\nidentities: { ${SECRET}: 1 }`],
    ["in a list and alone", `keys: ["${SECRET}"]\nencrypt_key: "${SECRET}"`],
  ])("are never told, even %s", (_, keys) => {
    expect(() => parse(keys)).toThrow(expect.objectContaining({ message: expect.not.stringContaining("Hush") }));
  });
});

describe("a chainmaker.yml", () => {
  function load(chainmaker: string, mode = 0o600) {
    const folder = tempDir("coldkeep-chainmaker");
    const path = join(folder, "chainmaker.yml");
    writeFileSync(path, chainmaker);
    chmodSync(path, mode);
    const config = join(folder, "config.yaml");
    writeFileSync(config, `version: 1\nvault: file:///v\nkeys: { chainmaker: ${path} }\n${REST}`);
    return loadConfig(config, []);
  }
  const storage = (lines: string) => `log: { x: 1 }\nstorage:\n  store_path: ../data\n${lines}\n`;

  it("gives the key and the encryptor as the node has them", () => {
    const config = load(storage('  encryptor: sm4\n  encrypt_key: "0xno-hex-at-all!"'));
    expect(config.encryptor).toBe("sm4");
    expect(config.keys).toMatchObject([{ text: "0xno-hex-at-all!", looseHex: true }]);
    expect(load(storage("  encryptor: aes\n  encrypt_key: 1234567890123456")).keys).toMatchObject([
      { text: "1234567890123456" },
    ]);
  });

  it.each([
    ["without an encryptor", storage("  encrypt_key: abc"), /storage.encryptor is missing; allowed are sm4 and aes/],
    ["with one misspelt", storage("  encryptor: sm44\n  encrypt_key: abc"), /is "sm44"; allowed are sm4 and aes/],
    ["without a key", storage("  encryptor: aes"), /storage.encrypt_key is missing or empty/],
    ["without storage", "node: {}\n", /storage.encryptor is missing/],
    ["that is no YAML", "storage: [", /no YAML that can be read/],
  ])("%s is refused", (_, text, words) => {
    expect(() => load(text)).toThrow(words);
  });

  it("is told to be open where it holds the key itself and everybody can read it", () => {
    const text = storage(`  encryptor: aes\n  encrypt_key: ${SECRET}`);
    expect(load(text, 0o644).warnings.join()).toMatch(/holds the key itself and everybody can read it: mode 644/);
    expect(load(text).warnings).toEqual([]);
    expect(load(storage("  encryptor: aes\n  encrypt_key: /etc/key"), 0o644).warnings).toEqual([]);
  });

  it("that is missing is told by its own name", () => {
    const text = `version: 1\nvault: file:///v\nkeys: { chainmaker: /nowhere/chainmaker.yml }\n${REST}`;
    const path = join(tempDir("coldkeep-chainmaker"), "config.yaml");
    writeFileSync(path, text);
    expect(() => loadConfig(path, [])).toThrow(/there is no chainmaker.yml: \/nowhere\/chainmaker.yml/);
  });
});
