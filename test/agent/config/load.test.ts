import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig, type NewConfig, parseConfig, renderConfig, writeNewConfig } from "../../../agent/config/index.ts";
import { makeVaultId, toNodeName } from "../../../vault/names/index.ts";
import { tempDir } from "../../support/tmp.ts";

const LITERAL = `version: 1
vault: file:///backup/vault
encrypt_key: "0H#y@EGXPOAScAnB"
nodes: { demo: { profile: files, roots: { data: /srv/demo }, service: { manager: none } } }
`;

function written(text: string | Uint8Array, mode: number): string {
  const path = join(tempDir("coldkeep-config"), "config.yaml");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe("a configuration file", () => {
  it("that holds the key itself and that everybody can read is refused", () => {
    expect(() => loadConfig(written(LITERAL, 0o644), [])).toThrow(
      /refused to use a key that everybody can read.*644.*chmod 600/,
    );
  });

  it("that holds the key itself and that its group can read is warned of", () => {
    expect(loadConfig(written(LITERAL, 0o640), []).warnings.join()).toContain("chmod 600");
    expect(loadConfig(written(LITERAL, 0o600), []).warnings).toEqual([]);
  });

  it("that names a key file may be read by everybody", () => {
    expect(loadConfig(written(LITERAL.replace('"0H#y@EGXPOAScAnB"', "/etc/key"), 0o644), []).warnings).toEqual([]);
  });

  it("that is missing, a folder, too large or no text is refused with what to do", () => {
    const folder = tempDir();
    expect(() => loadConfig(join(folder, "none.yaml"), [])).toThrow(/there is no configuration.*coldkeep init/);
    mkdirSync(join(folder, "a-folder"));
    expect(() => loadConfig(join(folder, "a-folder"), [])).toThrow(/not a plain file/);
    expect(() => loadConfig(written(`#${" ".repeat(1 << 20)}`, 0o600), [])).toThrow(/at most 1048576/);
    expect(() => loadConfig(written(Buffer.from([0xff, 0xfe, 0x00]), 0o600), [])).toThrow(/not UTF-8/);
  });
});

describe("the configuration that init writes", () => {
  const o: NewConfig = {
    vault: { url: "file:///backup/va%20ult" },
    vaultId: makeVaultId(new Uint8Array(16)),
    stateDir: "/var/lib/coldkeep",
    keyFile: '/etc/coldkeep/it\'s "odd": #1.key',
    node: toNodeName("demo"),
    profile: "leveldb",
    encryptor: "sm4",
    roots: [
      { name: "data", path: "/srv/demo" },
      { name: "on", path: "/srv/a b: c" },
    ],
    service: { manager: "command", stop: "a 'b' \"c\" # d: $e", start: ["x", "- y"], isRunning: "true" },
    health: { url: "http://127.0.0.1:1/", ok: [200, 503] },
    height: { url: "http://127.0.0.1:1/", field: "0.height" },
  };

  it("reads back as what was asked for, whatever characters are in it", () => {
    const config = parseConfig(renderConfig(o), "c.yaml", ["leveldb"]);
    expect(config).toMatchObject({
      vaults: [o.vault],
      vaultId: o.vaultId,
      keys: [{ text: o.keyFile }],
      stateDir: o.stateDir,
    });
    expect(config.encryptor).toBe("sm4");
    expect(config.nodes[0]).toMatchObject({
      name: "demo",
      roots: o.roots,
      service: o.service,
      health: o.health,
      height: o.height,
    });
  });

  it("reads back with a vault in S3, too", () => {
    const vault = {
      url: "s3://bucket/nodes",
      s3: { region: "eu-central-1", endpoint: "http://127.0.0.1:9", profile: "a b" },
    };
    expect(parseConfig(renderConfig({ ...o, vault }), "c.yaml", []).vaults).toEqual([{ name: "main", ...vault }]);
  });

  it("reads back without a service, too", () => {
    const { health: _health, height: _height, ...bare } = o;
    const compose = {
      manager: "compose",
      file: "/srv/c.yml",
      services: ["a", "on"],
      command: "docker compose",
    } as const;
    expect(parseConfig(renderConfig({ ...bare, service: compose }), "c.yaml", []).nodes[0]?.service).toEqual(compose);
    const config = parseConfig(renderConfig({ ...bare, service: { manager: "none" } }), "c.yaml", []);
    expect(config.nodes[0]?.service).toEqual({ manager: "none" });
  });

  it("is for its owner alone and never replaces a file", () => {
    const path = join(tempDir(), "new", "config.yaml");
    writeNewConfig(path, "a: 1\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => writeNewConfig(path, "b: 2\n")).toThrow(/will not replace a configuration/);
  });
});
