import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { keyedNode } from "../../support/keyed-node.ts";
import { PIN, SOFTHSM, type SoftHsm, softHsm, softHsmOrSkip } from "../../support/softhsm.ts";
import { sharedTempDir } from "../../support/tmp.ts";

const hsm = await softHsmOrSkip();

describe.skipIf(hsm.skip)(`a node whose key is in a real SoftHSM${hsm.title}`, () => {
  const folder = sharedTempDir("coldkeep-hsm");
  let soft: SoftHsm;
  beforeAll(() => {
    soft = softHsm(folder);
    soft.token("vault");
    soft.aes("vault", "node-key", "01");
  });
  const pkcs11 = (password: string) => `pkcs11: { library: ${SOFTHSM}, label: vault, password: ${password} }`;

  it("is backed up, verified and restored; the PIN is told nowhere", async () => {
    const node = await keyedNode(`encrypt_key: node-key\n${pkcs11("env:HSM_PIN")}`);
    const env = { env: { HSM_PIN: PIN } };
    const ran = [
      await node.run(["backup"], env),
      await node.run(["verify", "--read-data"], env),
      await node.run(["doctor"], env),
      await node.run(["restore", "--to", node.path("copy")], env),
    ];
    for (const { code, stdout, stderr } of ran) {
      expect(code, stderr).toBe(0);
      expect(stdout + stderr).not.toContain(PIN);
    }
    expect(ran[2]?.stdout).toMatch(/key proven +it opens/);
    expect(ran[3]?.stdout).toContain("hsm:node-key in token vault");

    const without = await node.run(["restore", "--to", node.path("none")]);
    expect(without).toMatchObject({ code: 4, stderr: expect.stringContaining("env:HSM_PIN") });
  });

  it("reads its key's id and its token from a chainmaker.yml", async () => {
    const yml = `storage: { encryptor: aes, encrypt_key: "node-key" }
node:
  pkcs11: { enabled: true, type: pkcs11, library: ${SOFTHSM}, label: vault, password: "${PIN}", session_cache_size: 10, hash: "SHA256" }
`;
    const path = join(folder, "chainmaker.yml");
    writeFileSync(path, yml, { mode: 0o600 });
    const other = await keyedNode(`keys: { chainmaker: ${path} }`);
    await other.json("backup");
    expect(await other.restored()).toBe("content of the node");
    other.setKeys(`keys: [hsm:node-key]\n${pkcs11(PIN)}`);
    expect(await other.restored()).toBe("content of the node");
    other.setKeys(`encrypt_key: HOME/none.key\n${pkcs11(PIN).replace("library", "enabled: false, library")}`);
    const restored = await other.run(["restore", "--to", other.path("by-flag"), "--identity", "hsm:node-key"]);
    expect(restored.code, restored.stderr).toBe(0);
  });
});
