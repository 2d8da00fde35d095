import { createDecipheriv } from "node:crypto";
import { cpSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as pkcs11 from "pkcs11js";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { loadKey } from "../../../agent/keys/load.ts";
import type { LoadContext, LoadedKey } from "../../../agent/keys/loaded.ts";
import { generateHsmKey } from "../../../agent/keys/pkcs11/index.ts";
import { openModule } from "../../../agent/keys/pkcs11/module.ts";
import type { HsmSetting, TokenSettings } from "../../../agent/keys/types.ts";
import type { Slot } from "../../../vault/sealed/types.ts";
import { PIN, SOFTHSM, type SoftHsm, softHsm, softHsmOrSkip } from "../../support/softhsm.ts";
import { sharedTempDir } from "../../support/tmp.ts";
import { otherScopes, scope, sk } from "../../vault/sealed/fixtures.ts";

const hsm = await softHsmOrSkip();
const api = "default" in pkcs11 ? (pkcs11.default as typeof pkcs11) : pkcs11;
const context: LoadContext = { suite: "aes-256-gcm", env: {}, askSecret: null };
const noStretch = () => {
  throw new Error("a key in a token is not stretched");
};
const token = (label: string, more: Partial<TokenSettings> = {}): TokenSettings => ({
  library: SOFTHSM,
  label,
  password: PIN,
  sessions: 10,
  timeoutMs: 20_000,
  ...more,
});
const setting = (key: string, label = "one", more: Partial<TokenSettings> = {}, hash?: "sha1"): HsmSetting => ({
  kind: "hsm",
  field: "encrypt_key",
  key,
  token: token(label, more),
  ...(hash === undefined ? {} : { hash }),
});
const wrap = (key: LoadedKey) => key.toRecipient(noStretch).wrap(sk, scope);
const open = async (key: LoadedKey, slot: Slot) => {
  const found = await key.identity?.unwrap(slot, scope);
  return found == null ? found : Buffer.from(found);
};

describe.skipIf(hsm.skip)(`a real SoftHSM${hsm.title}`, () => {
  const folder = sharedTempDir("coldkeep-softhsm");
  let soft: SoftHsm;
  const make = (label: string, may: Parameters<SoftHsm["mayOnly"]>[2]) => soft.mayOnly("one", label, may);

  beforeAll(async () => {
    soft = softHsm(folder);
    soft.token("one");
    soft.token("two");
    soft.aes("one", "backup", "0a01");
    soft.aes("two", "backup", "0a02");
    soft.tool("one", "--keypairgen", "--key-type", "RSA:2048", "--label", "pair", "--id", "0b01", "--usage-decrypt");
    await make("only-wrap", { wrap: true });
    await make("only-unwrap", { unwrap: true });
    await make("gcm", { encrypt: true, decrypt: true });
    await make("nothing", {});
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("wraps and opens, found by label, by id as text or hex, and by the token's serial number", async () => {
    const key = await loadKey(setting("backup"), context);
    const slot = await wrap(key);
    expect(slot).toMatchObject({ type: "pkcs11", mech: "aes-kw", kid: expect.stringMatching(/^[0-9a-f]+\/0a01$/) });
    expect(JSON.stringify(slot)).not.toContain(Buffer.from(sk).toString("base64url"));
    expect(await open(key, slot)).toEqual(Buffer.from(sk));
    const serial = slot.kid.split("/")[0] ?? "";
    for (const same of [setting("0a01"), setting("0x0A01"), setting("backup", serial)]) {
      expect(await open(await loadKey(same, context), slot)).toEqual(Buffer.from(sk));
    }
    await make("txt-id", { wrap: true, unwrap: true });
    expect((await loadKey(setting("txt-id"), context)).notes).toEqual([]);
  });

  it("takes two operations of the token for a snapshot: one wraps, one proves", async () => {
    const key = await loadKey(setting("backup"), context);
    const names = ["C_WrapKeyAsync", "C_UnwrapKeyAsync", "C_EncryptAsync", "C_DecryptAsync"] as const;
    const { lib } = await openModule(SOFTHSM);
    const spies = names.map((name) => vi.spyOn(lib, name));
    await wrap(key);
    expect(spies.map((spy) => spy.mock.calls.length)).toEqual([1, 1, 0, 0]);
  });

  it("wraps by RFC 5649, which SoftHSM has as 0x210A, where the token has no RFC 3394 (taken from SoftHSM's list)", async () => {
    const { lib } = await openModule(SOFTHSM);
    const real = lib.C_GetMechanismList.bind(lib);
    vi.spyOn(lib, "C_GetMechanismList").mockImplementation((slot) => real(slot).filter((one) => one !== 0x2109));
    const key = await loadKey(setting("backup"), context);
    const wrapping = vi.spyOn(lib, "C_WrapKeyAsync");
    const slot = await wrap(key);
    expect(slot).toMatchObject({ type: "pkcs11", mech: "aes-kwp" });
    expect(wrapping.mock.calls[0]?.[1]).toEqual({ mechanism: 0x210a });
    expect(await open(key, slot)).toEqual(Buffer.from(sk));
    // Where both are there, what either made opens.
    vi.restoreAllMocks();
    expect(await open(await loadKey(setting("backup"), context), slot)).toEqual(Buffer.from(sk));
  });

  it.each([
    ["RFC 3394 by 0x2109", [], "aes-kw", "id-aes256-wrap", "a6a6a6a6a6a6a6a6"],
    ["RFC 5649 by 0x210A", [0x2109], "aes-kwp", "id-aes256-wrap-pad", "a65959a6"],
  ] as const)("makes what OpenSSL knows as %s", async (_, hidden, mech, cipher, iv) => {
    const { lib } = await openModule(SOFTHSM);
    const real = lib.C_GetMechanismList.bind(lib);
    vi.spyOn(lib, "C_GetMechanismList").mockImplementation((slot) =>
      real(slot).filter((one) => !(hidden as readonly number[]).includes(one)),
    );
    const value = Buffer.alloc(32, mech);
    await soft.imported("one", `known-${mech}`, value);
    const slot = await wrap(await loadKey(setting(`known-${mech}`), context));
    expect(slot.mech).toBe(mech);
    const openssl = createDecipheriv(cipher, value, Buffer.from(iv, "hex"));
    const ct = Buffer.from(String(slot.ct), "base64url");
    expect(Buffer.concat([openssl.update(ct), openssl.final()])).toEqual(Buffer.from(sk));
  });

  it("uses AES-GCM where the key may encrypt and not wrap", async () => {
    const key = await loadKey(setting("gcm"), context);
    const slot = await wrap(key);
    expect(slot).toMatchObject({ mech: "aes-gcm", iv: expect.stringMatching(/^[\w-]{16}$/) });
    expect(await open(key, slot)).toEqual(Buffer.from(sk));
    expect((await wrap(key)).iv).not.toBe(slot.iv);
  });

  it("uses an RSA pair: wraps outside by the public half, opens inside; SHA-1 only where that is asked for", async () => {
    const key = await loadKey(setting("pair", "one", {}, "sha1"), context);
    const slot = await wrap(key);
    expect(slot).toMatchObject({ type: "rsa", mech: "rsa-oaep", hash: "sha1" });
    expect(await open(key, slot)).toEqual(Buffer.from(sk));
    // SoftHSM's OAEP knows SHA-1 alone.
    const strict = await loadKey(setting("pair"), context);
    await expect(open(strict, await wrap(strict))).rejects.toThrow(/cannot do OAEP with this hash.*hash: sha1/);
  });

  it("tells apart two tokens with keys of one label", async () => {
    const [one, two] = [
      await loadKey(setting("backup", "one"), context),
      await loadKey(setting("backup", "two"), context),
    ];
    const slot = await wrap(one);
    expect(await open(two, slot)).toBeNull();
    expect(await open(two, await wrap(two))).toEqual(Buffer.from(sk));
  });

  it("refuses a key that may neither wrap nor encrypt, warns of what is unwise, and never proves what cannot unwrap", async () => {
    await expect(loadKey(setting("nothing"), context)).rejects.toThrow(/may neither wrap nor encrypt.*CKA_WRAP/);
    const wraps = await loadKey(setting("only-wrap"), context);
    expect(wraps.identity).toBeNull();
    expect(wraps.notes?.join()).toContain("may wrap and not unwrap");
    expect(await wrap(wraps)).toMatchObject({ mech: "aes-kw" });
    const unwraps = await loadKey(setting("only-unwrap"), context);
    expect(() => unwraps.toRecipient(noStretch)).toThrow(/may unwrap, and not wrap/);
    expect((await loadKey(setting("backup"), context)).notes?.join()).toContain("may unwrap and decrypt");
  });

  it("calls a changed slot of its own damaged, and refuses a mechanism the key is not for", async () => {
    const key = await loadKey(setting("backup"), context);
    const slot = await wrap(key);
    const ct = `${String(slot.ct).startsWith("A") ? "B" : "A"}${String(slot.ct).slice(1)}`;
    await expect(open(key, { ...slot, ct })).rejects.toMatchObject({ kind: "integrity" });
    const wrapper = await loadKey(setting("only-unwrap"), context);
    const moved = { ...slot, kid: `${slot.kid.split("/")[0]}/${Buffer.from("only-unwrap").toString("hex")}` };
    await expect(open(wrapper, { ...moved, mech: "aes-gcm", iv: "AAAAAAAAAAAAAAAA" })).rejects.toThrow(
      /asks for aes-gcm, which/,
    );
    for (const change of [{ mech: "rsa-pkcs" }, { iv: "AAAAAAAAAAAAAAAA" }, { kid: "none" }]) {
      await expect(open(key, { ...slot, ...change })).rejects.toMatchObject({ kind: "integrity" });
    }
    // Key wrap binds no context; the key commitment does.
    const found = await key.identity?.unwrap(slot, Object.values(otherScopes)[0] ?? scope);
    expect(Buffer.from(found ?? [])).toEqual(Buffer.from(sk));
  });

  it.each([
    [
      "a library that is not there",
      setting("backup", "one", { library: "/nowhere/p11.so" }),
      /cannot load the PKCS#11 library: \/nowhere/,
    ],
    ["a label no token has", setting("backup", "three"), /no token of this label.*sees.*one, two/],
    ["a key that is not there", setting("missing"), /there is none of this label or id.*--hsm LABEL/],
    [
      "a PIN that is an unset variable",
      setting("backup", "one", { password: "env:NOWHERE" }),
      /environment variable is not set/,
    ],
  ])("says what to do about %s", async (_, wrong, words) => {
    await expect(loadKey(wrong, context)).rejects.toThrow(words);
  });

  it("refuses what has the name and is of the wrong type: data, an EC key, a public half alone", async () => {
    const path = join(folder, "data");
    writeFileSync(path, "not a key");
    soft.tool("one", "--write-object", path, "--type", "data", "--label", "note");
    soft.tool("one", "--keypairgen", "--key-type", "EC:secp256r1", "--label", "curve", "--id", "0c01");
    await expect(loadKey(setting("note"), context)).rejects.toThrow(
      /what has this label or id is no secret key and no private key.*name an AES, SM4 or RSA key/,
    );
    await expect(loadKey(setting("curve"), context)).rejects.toThrow(/cannot wrap snapshot keys.*or an RSA key pair/);
    soft.tool("one", "--delete-object", "--type", "privkey", "--label", "curve");
    await expect(loadKey(setting("0c01"), context)).rejects.toThrow(/no secret key and no private key/);
    soft.aes("one", "twice", "0d01");
    soft.aes("one", "twice", "0d02");
    await expect(loadKey(setting("twice"), context)).rejects.toThrow(/2 keys have this label or id.*its alone/);
    expect(await wrap(await loadKey(setting("0d02"), context))).toMatchObject({ mech: "aes-kw" });
  });

  it("tells a wrong PIN at once, tries it once only, and never tells it", async () => {
    const { lib } = await openModule(SOFTHSM);
    for (const slot of lib.C_GetSlotList(true)) lib.C_CloseAllSessions(slot);
    const login = vi.spyOn(lib, "C_Login");
    const wrong = loadKey(setting("backup", "one", { password: "hush-hush" }), context);
    await expect(wrong).rejects.toThrow(/cannot log in to the token: token one: the PIN is wrong/);
    await expect(wrong).rejects.not.toThrow(/hush/);
    expect(login).toHaveBeenCalledTimes(1);
    const asked = loadKey(setting("backup", "one", { password: "env:P" }), { ...context, env: { P: PIN } });
    expect(await open(await asked, await wrap(await asked))).toEqual(Buffer.from(sk));
  });

  it.each([
    ["is locked", 0x40000, /locked/],
    ["would be locked by the next wrong PIN", 0x20000, /will not log in to the token.*the next wrong PIN locks it/],
  ])("does not log in where the token's flags say that it %s (SoftHSM itself never locks)", async (_, flag, words) => {
    const { lib } = await openModule(SOFTHSM);
    const real = lib.C_GetTokenInfo.bind(lib);
    vi.spyOn(lib, "C_GetTokenInfo").mockImplementation((slot) => {
      const info = real(slot);
      return { ...info, flags: info.flags | flag };
    });
    const login = vi.spyOn(lib, "C_Login");
    await expect(loadKey(setting("backup"), context)).rejects.toThrow(words);
    expect(login).not.toHaveBeenCalled();
  });

  it("shares few sessions among many at once, and waits where the token has none left (SoftHSM has no such limit: it is put in)", async () => {
    const key = await loadKey(setting("backup", "one", { sessions: 2 }), context);
    const { lib } = await openModule(SOFTHSM);
    const openSession = vi.spyOn(lib, "C_OpenSession");
    const slots = await Promise.all(Array.from({ length: 40 }, () => wrap(key)));
    expect(openSession.mock.calls.length).toBeLessThanOrEqual(2);
    const found = await Promise.all(slots.map((slot) => open(key, slot)));
    expect(found.every((one) => one?.equals(Buffer.from(sk)))).toBe(true);

    openSession.mockRestore();
    const real = lib.C_OpenSession.bind(lib);
    let left = 1;
    vi.spyOn(lib, "C_OpenSession").mockImplementation((slot, flags) => {
      left -= 1;
      if (left < 0) throw Object.assign(new Error("CKR_SESSION_COUNT"), { code: api.CKR_SESSION_COUNT });
      return real(slot, flags);
    });
    const crowded = await loadKey(setting("backup", "one", { sessions: 8 }), context);
    const all = await Promise.all(Array.from({ length: 8 }, () => wrap(crowded)));
    expect(all).toHaveLength(8);
    left = 0;
    await expect(loadKey(setting("backup"), context)).rejects.toThrow(/no session left.*session_cache_size/);
  });

  it("opens again after the token went away and came back, logged in anew", async () => {
    const key = await loadKey(setting("backup"), context);
    const slot = await wrap(key);
    const { lib } = await openModule(SOFTHSM);
    for (const one of lib.C_GetSlotList(true)) lib.C_CloseAllSessions(one);
    expect(await open(key, slot)).toEqual(Buffer.from(sk));
    lib.C_Finalize();
    expect(await open(key, slot)).toEqual(Buffer.from(sk));
  });

  it("says that the token is gone where it stays away, and goes on once it is back", async () => {
    const key = await loadKey(setting("backup"), context);
    const slot = await wrap(key);
    const { lib } = await openModule(SOFTHSM);
    const away = join(folder, "away");
    renameSync(soft.tokens, away);
    lib.C_Finalize();
    await expect(open(key, slot)).rejects.toThrow(/no token of this label|token is not there|library does not start/);
    rmSync(soft.tokens, { recursive: true, force: true });
    cpSync(away, soft.tokens, { recursive: true });
    expect(await open(key, slot)).toEqual(Buffer.from(sk));
  });

  it("gives up on an operation that takes too long", async () => {
    const key = await loadKey(setting("backup", "one", { timeoutMs: 50 }), context);
    const slot = await wrap(key).catch(() => null);
    const { lib } = await openModule(SOFTHSM);
    vi.spyOn(lib, "C_UnwrapKeyAsync").mockImplementation(() => new Promise(() => {}));
    const sound = slot ?? { id: "x", type: "pkcs11", kid: "s/0a01", added: 0, mech: "aes-kw", ct: "AAAA" };
    await expect(open(key, sound)).rejects.toThrow(/did not answer within 0.05 s.*pkcs11.timeout/);
  });

  it("makes a key that wraps and unwraps, cannot leave, and decrypts nothing; never a second one of its label", async () => {
    const made = setting("made");
    expect(await generateHsmKey(made, context)).toMatch(/^[0-9a-f]{32}$/);
    const key = await loadKey(made, context);
    expect(key.notes).toEqual([]);
    expect(await open(key, await wrap(key))).toEqual(Buffer.from(sk));
    await expect(generateHsmKey(made, context)).rejects.toThrow(/will not make a second key of one label/);
  });
});
