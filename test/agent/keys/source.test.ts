import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { generateKeyFile, guessable, loadKey, loadKeySource } from "../../../agent/keys/index.ts";
import { ColdkeepError } from "../../../vault/names/index.ts";
import { tempDir } from "../../support/tmp.ts";

const AES = { suite: "aes-256-gcm", field: "encrypt_key" } as const;
const KEY = "0H#y@EGXPOAScAnB";
const CONTEXT = { suite: "aes-256-gcm", env: {}, askSecret: null } as const;
const SM4 = { suite: "sm4-gcm", field: "encrypt_key" } as const;

function keyFile(content: string | Uint8Array, mode = 0o600): string {
  const path = join(tempDir("coldkeep-key"), "my.key");
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

describe("a key as ChainMaker writes it", () => {
  it("is a text, byte for byte", async () => {
    const source = await loadKeySource("0H#y@EGXPOAScAnB", AES);
    expect(source).toMatchObject({ kind: "string", label: "string" });
    expect(Buffer.from(source.bytes).toString()).toBe("0H#y@EGXPOAScAnB");
  });

  it("is hexadecimal after 0x or 0X", async () => {
    for (const text of ["0x30483079404547585030415363416e42", "0X30483079404547585030415363416E42"]) {
      const { kind, bytes } = await loadKeySource(text, AES);
      expect(kind).toBe("hex");
      expect(Buffer.from(bytes).toString("latin1")).toBe("0H0y@EGXP0AScAnB");
    }
  });

  it("is a file, of which spaces and line ends do not count, and which stays as it is", async () => {
    const path = keyFile("0H#y@EGX POAScAnB\r\n");
    const source = await loadKeySource(path, AES);
    expect(source).toMatchObject({ kind: "file", label: path });
    expect(Buffer.from(source.bytes).toString()).toBe("0H#y@EGXPOAScAnB");
    expect(readFileSync(path, "utf8")).toBe("0H#y@EGX POAScAnB\r\n");
  });

  it("is emptied after reading where that is asked for, and says so the next time", async () => {
    const path = keyFile("0H#y@EGXPOAScAnB\n");
    await loadKeySource(path, { ...AES, consume: true });
    expect(statSync(path).size).toBe(0);
    await expect(loadKeySource(path, AES)).rejects.toThrow(/has 0 bytes.*consumed already/);
  });

  it("is not emptied where it could not be used", async () => {
    const path = keyFile("too short");
    await expect(loadKeySource(path, { ...AES, consume: true })).rejects.toThrow();
    expect(readFileSync(path, "utf8")).toBe("too short");
  });

  it("counts bytes, not letters", async () => {
    await expect(loadKeySource("é".repeat(8), AES)).resolves.toMatchObject({ kind: "string" });
  });
});

describe("a key that cannot be used", () => {
  it.each([
    ["a text of 15 bytes", "0123456789abcde", AES, /the text has 15 bytes, aes-256-gcm takes 16, 24 or 32/],
    ["a text of 24 bytes for sm4", "x".repeat(24), SM4, /the text has 24 bytes, sm4-gcm takes 16/],
    ["hex of 17 bytes", `0x${"ab".repeat(17)}`, AES, /its digits are 17 bytes, aes-256-gcm takes 16, 24 or 32/],
    ["hex with an odd number of digits", `0x${"a".repeat(31)}`, AES, /31 digits, an odd number/],
    ["0x before what is no hex", "0xhello-this-16b", AES, /character 3 is no hexadecimal digit/],
    ["0x alone", "0x", AES, /its digits are 0 bytes/],
    ["nothing", "", AES, /the text has 0 bytes/],
  ])("%s is refused with both numbers", async (_, text, options, words) => {
    await expect(loadKeySource(text, options)).rejects.toThrow(words);
    await expect(loadKeySource(text, options)).rejects.toMatchObject({ kind: "key" });
  });

  it.each([0o640, 0o604, 0o666, 0o620])("a file that others can get at (mode %o) is refused", async (mode) => {
    const error = loadKeySource(keyFile("0H#y@EGXPOAScAnB", mode), AES);
    await expect(error).rejects.toThrow(/others can read.*allowed is 600 or less.*chmod 600/);
    await expect(error).rejects.toMatchObject({ kind: "permission" });
  });

  it("a file that is missing, a folder, or larger than any key is refused", async () => {
    const folder = tempDir();
    await expect(loadKeySource(join(folder, "none"), AES)).rejects.toThrow(/there is no key file/);
    mkdirSync(join(folder, "folder"), { mode: 0o700 });
    await expect(loadKeySource(join(folder, "folder"), AES)).rejects.toThrow(/not a plain file/);
    await expect(loadKeySource(keyFile("x".repeat(5000)), AES)).rejects.toThrow(/5000 bytes/);
  });

  it.skipIf(process.getuid?.() === 0)(
    "a file that this user may not read is a matter of permission (needs a user that is not root)",
    async () => {
      for (const [content, load] of [
        [KEY, (path: string) => loadKeySource(path, AES)],
        [KEY, (path: string) => loadKey({ kind: "age-file", field: "keys.0", path }, CONTEXT)],
        ["-----BEGIN PUBLIC KEY-----", (path: string) => loadKey({ kind: "rsa", field: "keys.0", path }, CONTEXT)],
      ] as const) {
        const error = load(keyFile(content, 0o000));
        await expect(error).rejects.toMatchObject({ kind: "permission" });
        await expect(error).rejects.toThrow(/cannot read the .*my\.key/);
        await expect(error).rejects.not.toThrow(/POASc/);
      }
    },
  );

  it("a file behind a symlink counts by the file's own mode", async () => {
    const link = join(tempDir(), "link");
    symlinkSync(keyFile("0H#y@EGXPOAScAnB", 0o644), link);
    await expect(loadKeySource(link, AES)).rejects.toThrow(/others can read/);
  });

  it("is never told in the refusal", async () => {
    const secrets = fc.stringMatching(/^[A-Za-z0-9#@]{8,40}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          secrets,
          secrets.map((text) => `0x${text}`),
        ),
        async (text) => {
          try {
            await loadKeySource(text, AES);
          } catch (error) {
            const { what, on, why, todo, message } = error as ColdkeepError;
            const said = JSON.stringify([what, on, why, todo, message]);
            expect(error).toBeInstanceOf(ColdkeepError);
            expect(said).not.toContain(text.slice(2, 10));
          }
        },
      ),
    );
  });
});

describe("a key file that coldkeep makes", () => {
  it("can be used, is for its owner alone, is not guessable and never replaces another", async () => {
    const path = join(tempDir(), "new.key");
    generateKeyFile(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const source = await loadKeySource(path, AES);
    expect(source.bytes.length).toBe(32);
    expect(guessable(source)).toBeNull();
    const before = readFileSync(path);
    expect(() => generateKeyFile(path)).toThrow(/will not replace a key file/);
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});

describe("a guessable key", () => {
  it.each([
    "passwordpassword",
    "1234567890123456",
    "aaaaaaaaaaaaaaaa",
    "abcdefghijklmnop",
    "4829105738261047",
    "coldkeepcoldkeepcoldkeep",
  ])("%s is noticed", async (text) =>
    expect(guessable(await loadKeySource(text, AES)) ?? "").toContain("bits of chance"),
  );

  it.each(["0H#y@EGXPOAScAnB", "0xd5f1c2e09a8b7463f0e1d2c3b4a59687"])("%s is not one", async (text) => {
    expect(guessable(await loadKeySource(text, AES))).toBeNull();
  });
});
