import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { describe, expect, it } from "vitest";
import { loadKey } from "../../../agent/keys/load.ts";
import type { LoadContext, LoadedKey } from "../../../agent/keys/loaded.ts";
import type { KeySetting } from "../../../agent/keys/types.ts";
import { fromBase64url } from "../../../vault/names/index.ts";
import type { Slot } from "../../../vault/sealed/types.ts";
import { tempDir } from "../../support/tmp.ts";
import { toolOrSkip } from "../../support/tools.ts";
import { otherScopes, scope, sk } from "../../vault/sealed/fixtures.ts";

const context: LoadContext = { suite: "aes-256-gcm", env: {}, askSecret: null };
const noStretch = () => {
  throw new Error("a public key is not stretched");
};
const wrap = (key: LoadedKey) => key.toRecipient(noStretch).wrap(sk, scope);
const open = async (key: LoadedKey, slot: Slot, at = scope) => {
  const found = await key.identity?.unwrap(slot, at);
  return found == null ? found : Buffer.from(found);
};
const ctOf = (slot: Slot) => Buffer.from(fromBase64url(String(slot.ct)) ?? []);

function file(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = join(tempDir("coldkeep-public"), name);
  writeFileSync(path, content, { mode });
  return path;
}
const ageFile = (path: string, more: object = {}): KeySetting => ({ kind: "age-file", field: "keys.0", path, ...more });
const rsaFile = (path: string, more: object = {}): KeySetting => ({ kind: "rsa", field: "keys.0", path, ...more });

const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);

describe("age", () => {
  it("wraps by the recipient, opens by the identity, and tells others' slots from its own", async () => {
    const publicHalf = await loadKey({ kind: "age", field: "keys.0", recipient }, context);
    expect(publicHalf).toMatchObject({ label: recipient, identity: null });
    const slot = await wrap(publicHalf);
    const key = await loadKey(
      ageFile(file("id.txt", `# created: today\n# public key: ${recipient}\n${identity}\n`)),
      context,
    );
    expect(await open(key, slot)).toEqual(Buffer.from(sk));
    expect(await key.toRecipient(noStretch).kid("aes-256-gcm")).toBe(slot.kid);
    const other = await loadKey(ageFile(file("id.txt", await generateX25519Identity())), context);
    expect(await open(other, slot)).toBeNull();
  });

  it("calls a slot damaged that is its own and was changed, or is no age file", async () => {
    const key = await loadKey(ageFile(file("id.txt", identity)), context);
    const slot = await wrap(key);
    const bytes = ctOf(slot);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    for (const ct of [bytes.toString("base64url"), "AAAA", ""]) {
      await expect(open(key, { ...slot, ct })).rejects.toMatchObject({ kind: "integrity" });
    }
  });

  it("takes identities under a passphrase: configured, from a file, or asked for", async () => {
    const locked = new Encrypter();
    locked.setPassphrase("four short words here");
    locked.setScryptWorkFactor(10);
    const bytes = await locked.encrypt(identity);
    const slot = await wrap(await loadKey({ kind: "age", field: "k", recipient }, context));
    const asked: string[] = [];
    const askSecret = async (question: string) => {
      asked.push(question);
      return "four short words here";
    };
    const path = file("id.age", armor.encode(bytes));
    expect(await open(await loadKey(ageFile(path), { ...context, askSecret }), slot)).toEqual(Buffer.from(sk));
    expect(asked).toEqual([`Passphrase of age:${path}: `]);
    const passphrase = file("pass", "four short words here\n");
    expect(await open(await loadKey(ageFile(file("id.age", bytes), { passphrase }), context), slot)).toEqual(
      Buffer.from(sk),
    );
    const env = { ...context, env: { PASS: "wrong" } };
    await expect(loadKey(ageFile(path, { passphrase: "env:PASS" }), env)).rejects.toThrow(/passphrase does not open/);
    await expect(loadKey(ageFile(path), context)).rejects.toThrow(/needs a passphrase or PIN, and nobody can be asked/);
  });

  it.each([
    ["no recipient", { kind: "age", field: "keys.0", recipient: "age1hello" }, /this is no age recipient: keys.0/],
    [
      "a recipient with a letter changed",
      { kind: "age", field: "k", recipient: `${recipient.slice(0, -1)}${recipient.endsWith("q") ? "p" : "q"}` },
      /no age recipient/,
    ],
  ] as const)("refuses %s", async (_, setting, words) => {
    await expect(loadKey(setting, context)).rejects.toThrow(words);
  });

  it("refuses a file without identities, with something else in it, or that others can read; and tells nothing of it", async () => {
    await expect(loadKey(ageFile(file("id", "# nothing\n")), context)).rejects.toThrow(/it holds no identity/);
    const half = loadKey(ageFile(file("id", `${identity}\nHush-Hush\n`)), context);
    await expect(half).rejects.toThrow(/a line of it does not begin/);
    await expect(half).rejects.not.toThrow(/Hush/);
    await expect(loadKey(ageFile(file("id", identity, 0o644)), context)).rejects.toThrow(/others can read/);
    const broken = loadKey(
      ageFile(file("id", `${identity.slice(0, -1)}${identity.endsWith("Q") ? "P" : "Q"}`)),
      context,
    );
    await expect(broken).rejects.toMatchObject({ kind: "key" });
    await expect(broken).rejects.not.toThrow(new RegExp(identity.slice(16, 40)));
  });
});

const age = toolOrSkip("age", "age");
describe.skipIf(age.skip)(`the age program${age.title}`, () => {
  it("opens a slot, makes one that coldkeep opens, and makes the identity files coldkeep takes", async () => {
    const folder = tempDir("coldkeep-age");
    const id = join(folder, "id.txt");
    execFileSync("age-keygen", ["-o", id], { stdio: "ignore" });
    const key = await loadKey(ageFile(id), context);
    const slot = await wrap(key);
    expect(execFileSync("age", ["-d", "-i", id], { input: ctOf(slot) })).toEqual(Buffer.from(sk));
    const its = execFileSync("age-keygen", ["-y", id], { encoding: "utf8" }).trim();
    const ct = execFileSync("age", ["-r", its], { input: Buffer.from(sk) }).toString("base64url");
    expect(await open(key, { ...slot, ct })).toEqual(Buffer.from(sk));
    expect(
      await open(
        await loadKey(ageFile(id), context),
        await wrap(await loadKey({ kind: "age", field: "k", recipient: its }, context)),
      ),
    ).toEqual(Buffer.from(sk));
  });
});

const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const publicPem = pair.publicKey.export({ type: "spki", format: "pem" });
const privatePem = pair.privateKey.export({ type: "pkcs8", format: "pem" });

describe("RSA", () => {
  it("wraps by the public key, whoever may read it, and opens by the private one", async () => {
    const publicHalf = await loadKey(rsaFile(file("pub.pem", publicPem, 0o644)), context);
    expect(publicHalf.identity).toBeNull();
    const slot = await wrap(publicHalf);
    expect(slot).toMatchObject({
      type: "rsa",
      mech: "rsa-oaep",
      hash: "sha256",
      kid: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    const key = await loadKey(rsaFile(file("key.pem", privatePem)), context);
    expect(await open(key, slot)).toEqual(Buffer.from(sk));
    const locked = pair.privateKey.export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "four words",
    });
    const path = file("locked.pem", locked);
    expect(await open(await loadKey(rsaFile(path, { passphrase: "four words" }), context), slot)).toEqual(
      Buffer.from(sk),
    );
    await expect(loadKey(rsaFile(path, { passphrase: "no" }), context)).rejects.toThrow(/passphrase is wrong/);
    expect(
      await open(
        await loadKey(rsaFile(path), { ...context, askSecret: async () => "four words" }),
        await wrap(await loadKey(rsaFile(file("p", publicPem), { hash: "sha1" }), context)),
      ),
    ).toEqual(Buffer.from(sk));
  });

  it("passes over another key's slot, and calls its own one damaged that was changed", async () => {
    const key = await loadKey(rsaFile(file("key.pem", privatePem)), context);
    const slot = await wrap(key);
    expect(await open(key, { ...slot, kid: "0".repeat(16) })).toBeNull();
    for (const change of [{ ct: "AAAA" }, { hash: "sha1" }, { hash: "md5" }, { mech: "rsa-pkcs" }, { extra: 1 }]) {
      await expect(open(key, { ...slot, ...change })).rejects.toMatchObject({ kind: "integrity" });
    }
    // OAEP binds no context: what a moved slot gives is found out by the key commitment.
    expect(await open(key, slot, Object.values(otherScopes)[0])).toEqual(Buffer.from(sk));
  });

  it("refuses private keys that others can read, small keys, other keys and no keys", async () => {
    await expect(loadKey(rsaFile(file("k", privatePem, 0o644)), context)).rejects.toThrow(
      /private key file that others can read/,
    );
    const small = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ type: "spki", format: "pem" });
    await expect(loadKey(rsaFile(file("k", small)), context)).rejects.toThrow(/it has 1024 bits, allowed are 2048/);
    const ed = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" });
    await expect(loadKey(rsaFile(file("k", ed)), context)).rejects.toThrow(/of type ed25519, allowed is rsa/);
    await expect(loadKey(rsaFile(file("k", "hello")), context)).rejects.toThrow(/cannot use the RSA key/);
  });

  it("slots are opened by openssl, and openssl's by coldkeep", async () => {
    const path = file("key.pem", privatePem);
    const key = await loadKey(rsaFile(path), context);
    const slot = await wrap(key);
    const oaep = [
      "-pkeyopt",
      "rsa_padding_mode:oaep",
      "-pkeyopt",
      "rsa_oaep_md:sha256",
      "-pkeyopt",
      "rsa_mgf1_md:sha256",
    ];
    expect(execFileSync("openssl", ["pkeyutl", "-decrypt", "-inkey", path, ...oaep], { input: ctOf(slot) })).toEqual(
      Buffer.from(sk),
    );
    const made = execFileSync("openssl", ["pkeyutl", "-encrypt", "-inkey", path, ...oaep], { input: Buffer.from(sk) });
    expect(await open(key, { ...slot, ct: made.toString("base64url") })).toEqual(Buffer.from(sk));
  });
});

describe("a systemd credential", () => {
  const from = (folder: string | undefined): LoadContext => ({ ...context, env: { CREDENTIALS_DIRECTORY: folder } });
  const credential = (name: string): KeySetting => ({ kind: "credential", field: "encrypt_key", name });

  it("is what it looks like: a software key, age identities, or a PEM; its folder guards it, whatever its mode", async () => {
    const folder = tempDir("coldkeep-credentials");
    writeFileSync(join(folder, "soft"), "0H#y@EGXPOAScAnB\n", { mode: 0o440 });
    writeFileSync(join(folder, "age"), `# x\n${identity}\n`);
    writeFileSync(join(folder, "rsa"), privatePem);
    expect((await loadKey(credential("soft"), from(folder))).software?.bytes).toHaveLength(16);
    for (const name of ["age", "rsa"]) {
      const key = await loadKey(credential(name), from(folder));
      expect(key.label).toBe(`credential:${name}`);
      expect(await open(key, await wrap(key))).toEqual(Buffer.from(sk));
    }
  });

  it("is refused where systemd hands none over, under a name that leads elsewhere, or with a key of the wrong length", async () => {
    const folder = join(tempDir("coldkeep-credentials"), "c");
    mkdirSync(folder);
    writeFileSync(join(folder, "..", "outside"), "0H#y@EGXPOAScAnB");
    writeFileSync(join(folder, "short"), "Hush-Hush");
    await expect(loadKey(credential("soft"), from(undefined))).rejects.toThrow(
      /CREDENTIALS_DIRECTORY is not set.*LoadCredential=soft/,
    );
    await expect(loadKey(credential("soft"), from(folder))).rejects.toThrow(
      /no credential of that name.*LoadCredential/,
    );
    await expect(loadKey(credential("../outside"), from(folder))).rejects.toThrow(/no credential's name/);
    await expect(loadKey(credential("short"), from(folder))).rejects.toThrow(
      /encrypt_key credential:short.*has 9 bytes/,
    );
    await expect(loadKey(credential("short"), from(folder))).rejects.not.toThrow(/Hush/);
  });
});
