import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { generateX25519Identity } from "age-encryption";
import { beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { openModule } from "../../../agent/keys/pkcs11/module.ts";
import { canonicalBytes } from "../../../vault/card/index.ts";
import { keyedNode } from "../../support/keyed-node.ts";
import { assertPrintedNoKey } from "../../support/learn-secrets.ts";
import { PIN, SOFTHSM, type SoftHsm, softHsm, softHsmOrSkip } from "../../support/softhsm.ts";
import { sharedTempDir } from "../../support/tmp.ts";
import { TELL_EXIT } from "../../systems/support/world.ts";

const COLDKEEP = fileURLToPath(new URL("../../../bin/coldkeep.mjs", import.meta.url));

/** OpenSC's library that writes down what is asked of another one. */
const SPY = [
  "/usr/lib/x86_64-linux-gnu/pkcs11-spy.so",
  "/usr/lib/aarch64-linux-gnu/pkcs11-spy.so",
  "/usr/lib64/pkcs11-spy.so",
].find((path) => existsSync(path));
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

  it.skipIf(SPY === undefined)(
    `does two operations in the token for a backup of many files: one wraps, one proves${SPY === undefined ? " (skipped: pkcs11-spy.so is missing; apt-get install opensc-pkcs11)" : ""}`,
    async () => {
      const log = join(folder, "spy.log");
      process.env.PKCS11SPY = SOFTHSM;
      process.env.PKCS11SPY_OUTPUT = log;
      const node = await keyedNode(
        `encrypt_key: node-key\npkcs11: { library: ${SPY}, label: vault, password: env:HSM_PIN }`,
      );
      for (let i = 0; i < 200; i += 1) writeFileSync(join(node.data, `${i}`), `${i}`.repeat(10_000));
      writeFileSync(log, "");
      expect(await node.run(["backup"], { env: { HSM_PIN: PIN } })).toMatchObject({ code: 0 });
      const calls = readFileSync(log, "latin1").match(/\bC_\w+$/gm) ?? [];
      expect(calls.filter((call) => call === "C_WrapKey")).toHaveLength(1);
      expect(calls.filter((call) => call === "C_UnwrapKey")).toHaveLength(1);
      expect(calls.filter((call) => /^C_(Encrypt|Decrypt|Sign|Verify|Digest|Derive)/.test(call))).toEqual([]);
      rmSync(log);
    },
  );

  it("opens by no mechanism, library or key that somebody wrote into the vault", async () => {
    const node = await keyedNode(`encrypt_key: node-key\n${pkcs11("env:HSM_PIN")}`);
    const env = { env: { HSM_PIN: PIN } };
    expect(await node.run(["backup"], env)).toMatchObject({ code: 0 });
    const [path = ""] = globSync(`${node.vault}/demo/data/*/key.json`);
    const file = JSON.parse(readFileSync(path, "utf8")) as { slots: { kid: string }[] };
    const [slot] = file.slots;
    const serial = slot?.kid.split("/")[0];
    for (const [change, words] of [
      [{ mech: "aes-gcm", iv: "AAAAAAAAAAAAAAAA" }, /did not|does not open|asks for aes-gcm/],
      [{ mech: "sm4-gcm", iv: "AAAAAAAAAAAAAAAA" }, /asks for sm4-gcm, which this key and token do not unwrap by/],
      [{ mech: "rsa-pkcs" }, /not as the format describes/],
      [{ library: "/tmp/evil.so" }, /not as the format describes/],
      [{ kid: `${serial}/99` }, /fits no slot/],
    ] as const) {
      writeFileSync(path, canonicalBytes({ ...file, slots: [{ ...slot, ...change }] } as never));
      const { code, stderr } = await node.run(["restore", "--to", node.path("never")], env);
      expect([4, 9], JSON.stringify(change)).toContain(code);
      expect(stderr, JSON.stringify(change)).toMatch(words);
    }
  });

  it("says what is wrong where the PIN is, the key is not there, or the token is gone", async () => {
    const node = await keyedNode(`encrypt_key: node-key\n${pkcs11("env:HSM_PIN")}`);
    // A login is the whole process's: what earlier tests left open would let anybody in.
    const { lib } = await openModule(SOFTHSM);
    for (const slot of lib.C_GetSlotList(true)) lib.C_CloseAllSessions(slot);
    expect(await node.run(["backup"], { env: { HSM_PIN: "prickly-wrong-pin" } })).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("the PIN is wrong"),
    });
    node.setKeys(`encrypt_key: nowhere\n${pkcs11("env:HSM_PIN")}`);
    expect(await node.run(["backup"], { env: { HSM_PIN: PIN } })).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/there is none of this label or id/),
    });
    node.setKeys(`encrypt_key: node-key\n${pkcs11("env:HSM_PIN").replace("label: vault", "label: gone")}`);
    expect(await node.run(["backup"], { env: { HSM_PIN: PIN } })).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/no token of this label.*sees vault/s),
    });
    expect((await node.json<{ snapshots: unknown[] }>("list")).snapshots).toEqual([]);
  });

  it("is a key that key generate --hsm made, and that backs up and restores", async () => {
    const node = await keyedNode(
      `encrypt_key: HOME/none.key\n${pkcs11("env:HSM_PIN").replace("{", "{ enabled: false,")}`,
    );
    const env = { env: { HSM_PIN: PIN } };
    const made = await node.run(["key", "generate", "--hsm", "made-here", "--json"], env);
    expect(made.code, made.stderr).toBe(0);
    expect(JSON.parse(made.stdout)).toEqual({
      token: "vault",
      label: "made-here",
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(soft.tool("vault", "--list-objects", "--type", "secrkey")).toMatch(
      /made-here[\s\S]*?Usage: +wrap, unwrap\n +Access: +sensitive, always sensitive, never extractable, local/,
    );
    const again = await node.run(["key", "generate", "--hsm", "made-here"], env);
    expect(again).toMatchObject({ code: 12, stderr: expect.stringContaining("will not make a second key") });
    node.setKeys(`encrypt_key: made-here\n${pkcs11(PIN)}`);
    await node.json("backup");
    expect(await node.restored()).toBe("content of the node");
    expect((await node.run(["doctor"])).stdout).not.toContain("key in token");
  });

  it("is there again in the middle of a backup whose token was taken away: logged in anew, the backup goes on", async () => {
    const node = await keyedNode(`encrypt_key: node-key\n${pkcs11(PIN)}`);
    await node.json("backup");
    const away = join(folder, "away");
    const { lib } = await openModule(SOFTHSM);
    const [wrap, initialize] = [lib.C_WrapKeyAsync.bind(lib), lib.C_Initialize.bind(lib)];
    const login = vi.spyOn(lib, "C_Login");
    const wrapping = vi.spyOn(lib, "C_WrapKeyAsync").mockImplementationOnce(async (...words) => {
      renameSync(soft.tokens, away);
      lib.C_Finalize();
      return await wrap(...words);
    });
    // It comes back when the library has looked for it once in vain.
    const looked = vi.spyOn(lib, "C_Initialize").mockImplementation((...words) => {
      if (looked.mock.calls.length === 2) {
        rmSync(soft.tokens, { recursive: true, force: true });
        renameSync(away, soft.tokens);
      }
      initialize(...words);
    });
    onTestFinished(() => {
      vi.restoreAllMocks();
    });
    await node.json("backup");
    expect(wrapping).toHaveBeenCalledTimes(2);
    expect(login.mock.calls.length).toBeGreaterThan(0);
    expect((await node.json<{ snapshots: unknown[] }>("list")).snapshots).toHaveLength(2);
    expect(await node.restored()).toBe("content of the node");
  });

  it("taken away for good in the middle of a backup ends it by name, and nothing false is in the vault", async () => {
    const node = await keyedNode(`encrypt_key: node-key\n${pkcs11(PIN)}`);
    const away = join(folder, "gone");
    const { lib } = await openModule(SOFTHSM);
    const wrap = lib.C_WrapKeyAsync.bind(lib);
    vi.spyOn(lib, "C_WrapKeyAsync").mockImplementationOnce(async (...words) => {
      renameSync(soft.tokens, away);
      lib.C_Finalize();
      return await wrap(...words);
    });
    const { code, stderr } = await node.run(["backup"]);
    vi.restoreAllMocks();
    rmSync(soft.tokens, { recursive: true, force: true });
    renameSync(away, soft.tokens);
    expect(code, stderr).toBe(4);
    expect(stderr).toMatch(/token vault|no token of this label|library does not start/);
    expect((await node.json<{ snapshots: unknown[] }>("list")).snapshots).toEqual([]);
    await node.json("backup");
  });

  it("that may unwrap and no longer wrap is rotated away from", async () => {
    await soft.mayOnly("vault", "retired", { wrap: true, unwrap: true });
    const node = await keyedNode(`encrypt_key: retired\n${pkcs11(PIN)}`);
    await node.json("backup");
    await soft.forbidWrapping("vault", "retired");
    node.file("next.txt", await generateX25519Identity());
    node.setKeys(`keys: [age:HOME/next.txt]\n${pkcs11(PIN).replace("{", "{ enabled: false,")}`);
    expect(await node.json("key", "rotate", "--old", "hsm:retired")).toMatchObject({ rewritten: 1, failed: 0 });
    expect((await node.run(["key", "list"])).stdout).not.toContain("pkcs11");
    expect(await node.restored()).toBe("content of the node");
  });

  it("is used by several processes at once, each of which ends by itself", async () => {
    const node = await keyedNode(`encrypt_key: node-key\n${pkcs11(PIN)}`);
    await node.json("backup");
    const argv = ["verify", "--read-data", "--config", node.config];
    const ran = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const child = spawn(process.execPath, [COLDKEEP, ...argv], {
          stdio: ["ignore", "pipe", "pipe"],
          env: { ...process.env, NODE_OPTIONS: TELL_EXIT },
        });
        const [stdout, stderr, [code]] = await Promise.all([
          text(child.stdout),
          text(child.stderr),
          once(child, "close"),
        ]);
        assertPrintedNoKey(argv, stdout + stderr);
        return { code, stderr };
      }),
    );
    expect(ran).toEqual(ran.map(() => ({ code: 0, stderr: expect.not.stringContaining("FORCED") })));
  });
});
