import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { names, toBase64url } from "../../vault/names/index.ts";
import { pythonOrSkip, pythonWith } from "../support/python.ts";
import { readTree } from "../support/read-tree.ts";
import { tempDir } from "../support/tmp.ts";
import { hostileLine, makeHostileVault } from "./hostile.ts";
import { asFound, COMPAT_SECRETS, type ExpectedEntry } from "./tree.ts";
import { COMPAT_FOLDERS, COMPAT_KEY, COMPAT_NODE, COMPAT_PIN, FIRST, SECOND } from "./vault.ts";

const tools = join(import.meta.dirname, "..", "..", "tools");
const vault = join(import.meta.dirname, "v1", "vault");
const sm4Vault = join(import.meta.dirname, COMPAT_FOLDERS["sm4-gcm"], "vault");
// Both vaults hold the same files.
const expectedFile = readFileSync(join(import.meta.dirname, "v1", "expected.json"), "utf8");
const expected = JSON.parse(expectedFile) as { snapshots: Record<string, ExpectedEntry[]> };
const found = await pythonWith(join(tools, "requirements.txt"));
const { skip, title } = pythonOrSkip(found);
const isRoot = process.getuid?.() === 0;

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function readVault(folder: string, to: string, more: readonly string[] = [], key = COMPAT_KEY): Promise<Outcome> {
  const python = "python" in found ? found.python : "";
  const script = join(tools, "read_vault.py");
  const args = [script, "--vault", folder, "--node", COMPAT_NODE, "--key-env", "COMPAT_KEY", "--to", to, ...more];
  try {
    const { stdout, stderr } = await promisify(execFile)(python, args, { env: { COMPAT_KEY: key } });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

describe.skipIf(skip)(`the independent reader in Python${title}`, () => {
  it.each([
    ["aes-256-gcm", FIRST, vault],
    ["aes-256-gcm", SECOND, vault],
    ["sm4-gcm", FIRST, sm4Vault],
    ["sm4-gcm", SECOND, sm4Vault],
  ])("restores what %s sealed, %s, bit for bit", async (_, id, from) => {
    const to = join(tempDir(), "to");
    const options = ["--snapshot", id, "--pin", COMPAT_PIN, "--keep-special-bits"];
    const { code, err } = await readVault(from, to, options);
    expect({ code, err: isRoot ? err : "" }).toEqual({ code: 0, err: "" });
    const tree = expected.snapshots[id] ?? [];
    expect(readTree(to)).toMatchObject(tree.map((entry) => asFound(entry, { owners: isRoot, xattrs: false })));
    const [table, link] = ["data/000006.ldb", "data/000006.link"].map((path) => statSync(join(to, path)).ino);
    expect(link).toBe(table);
    // 1 MiB of hole in front, three pages behind: only what holds data is allocated.
    expect(statSync(join(to, "data/sparse")).blocks * 512).toBeLessThan(64 * 1024);
  });

  it.each(["aes-256-gcm", "sm4-gcm"] as const)(
    "restores by a share, without any key and without what is secret, %s",
    async (suite) => {
      const folder = tempDir();
      const to = join(folder, "to");
      const from = join(import.meta.dirname, COMPAT_FOLDERS[suite]);
      const { share } = JSON.parse(readFileSync(join(from, "expected.json"), "utf8")) as { share: string };
      const python = "python" in found ? found.python : "";
      const by = async (token: string, target: string) => {
        writeFileSync(join(folder, "share"), `${token}\n`);
        const words = ["--vault", join(from, "vault"), "--node", COMPAT_NODE, "--share-file", join(folder, "share")];
        words.push("--keep-special-bits");
        return promisify(execFile)(python, [join(tools, "read_vault.py"), ...words, "--to", target]);
      };
      expect((await by(share, to)).stdout).toContain(SECOND);
      const open = (expected.snapshots[SECOND] ?? []).filter(({ path }) => !COMPAT_SECRETS.includes(path));
      expect(open.length).toBeLessThan(expected.snapshots[SECOND]?.length ?? 0);
      expect(readTree(to)).toMatchObject(open.map((entry) => asFound(entry, { owners: isRoot, xattrs: false })));
      const other = `${share.slice(0, -2)}${share.at(-2) === "A" ? "B" : "A"}${share.at(-1)}`;
      await expect(by(other, join(folder, "b"))).rejects.toMatchObject({
        stderr: expect.stringContaining("wrong key or damaged header"),
      });
    },
  );

  it("restores extended attributes where the file system takes them", async ({ skip: leaveOut }) => {
    const to = join(tempDir(), "to");
    const { err } = await readVault(vault, to);
    if (err.includes("extended attributes could not be set")) leaveOut("this file system has no user attributes");
    const script = "import os,sys; p=sys.argv[1]; print({n: os.getxattr(p,n).hex() for n in sorted(os.listxattr(p))})";
    const python = "python" in found ? found.python : "";
    const { stdout } = await promisify(execFile)(python, ["-c", script, join(to, "data/attributes")]);
    expect(stdout.trim()).toBe("{'user.coldkeep.bytes': '0001ff', 'user.coldkeep.text': '76616c7565'}");
  });

  it("takes the latest where none is named, the key from a file, and drops setuid unless asked", async () => {
    const folder = tempDir();
    const to = join(folder, "to");
    writeFileSync(join(folder, "key"), ` ${COMPAT_KEY}\n`, { mode: 0o600 });
    const python = "python" in found ? found.python : "";
    const args = [join(tools, "read_vault.py"), "--vault", vault, "--node", COMPAT_NODE, "--to", to];
    const { stdout } = await promisify(execFile)(python, [...args, "--key-file", join(folder, "key")]);
    expect(stdout).toContain(SECOND);
    expect(statSync(join(to, "data/tool")).mode & 0o7777).toBe(0o755);
  });

  it("refuses a wrong key, another host's signature, and a folder that is not empty", async () => {
    const folder = tempDir();
    const wrong = await readVault(vault, join(folder, "a"), [], "compat-key-0002!");
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining("the key given does not open") });
    expect(wrong.err).not.toContain("compat-key-0002!");
    const wrongSm4 = await readVault(sm4Vault, join(folder, "a"), [], "compat-key-0002!");
    expect(wrongSm4).toMatchObject({ code: 1, err: expect.stringContaining("the key given does not open") });
    const pin = toBase64url(new Uint8Array(32));
    expect((await readVault(vault, join(folder, "b"), ["--pin", pin])).err).toContain("signed by another host");
    expect((await readVault(vault, folder)).code).toBe(0);
    expect((await readVault(vault, folder)).err).toContain("is not empty");
  });

  const damages: readonly [string, string, (bytes: Buffer) => Buffer | null, string][] = [
    ["a flipped byte in a pack", names.pack(COMPAT_NODE, FIRST, 0), (b) => flip(b, 150), "is damaged"],
    ["a truncated pack", names.pack(COMPAT_NODE, FIRST, 0), (b) => b.subarray(0, 120), "is truncated"],
    ["a missing pack", names.pack(COMPAT_NODE, FIRST, 1), () => null, "is missing"],
    ["a flipped byte in the manifest", names.manifest(COMPAT_NODE, SECOND), (b) => flip(b, 150), "not what the card"],
    ["a truncated manifest", names.manifest(COMPAT_NODE, SECOND), (b) => b.subarray(0, 99), "is truncated"],
    ["a changed card", names.card(COMPAT_NODE, SECOND), (b) => replace(b, '"seq":2', '"seq":3'), "does not verify"],
    ["a card with a space", names.card(COMPAT_NODE, SECOND), (b) => replace(b, '"seq":2', '"seq": 2'), "canonical"],
    ["a missing key file", names.keyJson(COMPAT_NODE, FIRST), () => null, "is missing"],
  ];
  it.each([
    ...damages.map((damage) => [...damage, vault] as const),
    ...damages.slice(0, 1).map(([label, ...damage]) => [`${label} of SM4`, ...damage, sm4Vault] as const),
  ])("finds %s", async (_, name, damage, message, from) => {
    const folder = join(tempDir(), "vault");
    cpSync(from, folder, { recursive: true });
    const damaged = damage(readFileSync(join(folder, name)));
    if (damaged === null) rmSync(join(folder, name));
    else writeFileSync(join(folder, name), damaged);
    const { code, err } = await readVault(folder, join(dirname(folder), "to"), ["--snapshot", SECOND]);
    expect(err).toContain(message);
    expect(err).not.toContain("Traceback");
    expect(code).toBe(1);
  });

  const root = hostileLine("data", "directory");
  const hostile: readonly [string, readonly string[], string][] = [
    ["a path upwards", [root, hostileLine("data/../../escaped", "file")], "cannot be restored"],
    ["an absolute path", [root, hostileLine("/escaped", "file")], "cannot be restored"],
    ["a root that the manifest does not name", [root, hostileLine("escaped", "directory")], "is no root"],
    ["a file in the place of a root", [hostileLine("data", "file")], "is no root"],
    [
      "a file below a symlink",
      [root, hostileLine("data/l", "symlink", { target: "../.." }), hostileLine("data/l/escaped", "file")],
      "lies in nothing that was restored",
    ],
    [
      "a file below a file",
      [root, hostileLine("data/f", "file"), hostileLine("data/f/escaped", "file")],
      "lies in nothing that was restored",
    ],
    ["a path twice", [root, hostileLine("data/f", "file"), hostileLine("data/f", "file")], "out of order"],
    ["a hardlink upwards", [root, hostileLine("data/h", "hardlink", { target: "../escaped" })], "cannot be restored"],
    [
      "a hardlink to a directory",
      [root, hostileLine("data/a", "directory"), hostileLine("data/h", "hardlink", { target: "data/a" })],
      "hardlink to no file",
    ],
    ["a device", [root, hostileLine("data/sda", "device")], "unknown type"],
    [
      "a size that its pieces do not make",
      [root, hostileLine("data/f", "file").replace('"size":4', '"size":5')],
      "the end of a file is missing",
    ],
    [
      "other totals than it promises",
      [root, hostileLine("data/f", "file").replace("PIECE", "4,PIECE").replace('"size":4', '"size":8')],
      "the manifest promises",
    ],
    ["an unknown member", [root.replace('{"gid"', '{"escape":"x","gid"')], "escape is unknown"],
  ];
  it.each(hostile)("refuses a host's manifest with %s, and writes nothing beside its folder", async (_, lines, why) => {
    const folder = tempDir();
    await put(join(folder, "vault"), lines);
    const { code, err } = await readVault(join(folder, "vault"), join(folder, "a", "to"));
    expect(err).toContain(why);
    expect(err).not.toContain("Traceback");
    expect(code).toBe(1);
    expect(readdirSync(folder).sort()).toEqual(["a", "vault"]);
    expect(readdirSync(join(folder, "a"))).toEqual(["to"]);
  });

  it("restores the same kind of manifest where it is honest", async () => {
    const folder = tempDir();
    await put(join(folder, "vault"), [root, hostileLine("data/f", "file")]);
    expect(await readVault(join(folder, "vault"), join(folder, "to"))).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, "to/data/f"), "utf8")).toBe("evil");
  });
});

async function put(folder: string, lines: readonly string[]): Promise<void> {
  const paths = new Set(lines).size;
  for (const [name, bytes] of await makeHostileVault(lines, paths)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
}

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

function replace(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString().replace(from, to));
}
