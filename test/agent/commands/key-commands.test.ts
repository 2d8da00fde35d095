import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { beforeAll, describe, expect, it } from "vitest";
import { canonicalBytes } from "../../../vault/card/index.ts";
import { type KeyedNode, keyedNode } from "../../support/keyed-node.ts";
import { sharedTempDir } from "../../support/tmp.ts";
import { toolOrSkip } from "../../support/tools.ts";

const identities = [
  await generateX25519Identity(),
  await generateX25519Identity(),
  await generateX25519Identity(),
] as const;
const [oldId, newId, spareId] = identities;
const [oldKey, newKey, spareKey] = await Promise.all(identities.map((one) => identityToRecipient(one)));

interface Rekeyed {
  readonly rewritten: number;
  readonly unchanged: number;
  readonly failed: number;
}
interface KeyJson {
  generation: number;
  slots: { id: string; type: string; kid: string; [detail: string]: unknown }[];
  [member: string]: unknown;
}

const base = sharedTempDir("coldkeep-rekey");

/** A node with two snapshots for the old key, and files with the identities: a copy of one that was made once. */
const made = () => keyedNode(`keys: [${oldKey}]\nidentities: [age:HOME/old.txt]`, undefined, base);

beforeAll(async () => {
  const node = await keyedNode(`keys: [${oldKey}]\nidentities: [age:HOME/old.txt]`, base);
  for (const [name, identity] of Object.entries({ old: oldId, new: newId, spare: spareId }))
    node.file(`${name}.txt`, identity);
  await node.json("backup");
  writeFileSync(join(node.data, "more"), "more");
  await node.json("backup");
});
const keyFiles = (node: KeyedNode) => globSync(`${node.vault}/demo/data/*/key.json`).sort();
const read = (path: string) => JSON.parse(readFileSync(path, "utf8")) as KeyJson;
/** Everything in the vault but key files and caches, by digest and time of change. */
const rest = (node: KeyedNode) =>
  globSync(`${node.vault}/demo/**/*`)
    .filter((path) => statSync(path).isFile() && !path.endsWith("key.json"))
    .map((path) => [path, statSync(path).mtimeMs, createHash("sha256").update(readFileSync(path)).digest("hex")]);

describe("key rotate", () => {
  it("changes every key file and nothing else; the old key opens no current one, the new one all; twice is harmless", async () => {
    const node = await made();
    const before = rest(node);
    node.setKeys(`keys: [${newKey}]\nidentities: [age:HOME/new.txt]`);
    const old = `age:${node.path("old.txt")}`;
    expect(await node.json<Rekeyed>("key", "rotate", "--old", old)).toMatchObject({ rewritten: 2, failed: 0 });
    expect(rest(node)).toEqual(before);
    for (const path of keyFiles(node)) {
      const { generation, slots } = read(path);
      expect({ generation, types: slots.map(({ type }) => type) }).toEqual({ generation: 2, types: ["age"] });
    }
    expect(await node.json<Rekeyed>("key", "rotate", "--old", old)).toMatchObject({ rewritten: 0, unchanged: 2 });
    expect(globSync(`${node.home}/state/demo/old-key-files/*/*`)).toEqual([]);
    expect(await node.restored()).toBe("content of the node");
    node.setKeys(`keys: [${oldKey}]\nidentities: [age:HOME/old.txt]`);
    expect(await node.run(["restore", "--to", node.path("never")])).toMatchObject({ code: 4 });
  });

  it("refuses to leave only keys that nothing here has opened", async () => {
    const node = await made();
    node.setKeys(`keys: [${newKey}]`);
    const ran = await node.run(["key", "rotate", "--old", `age:${node.path("old.txt")}`]);
    expect(ran.code).toBe(4);
    expect(ran.stderr).toContain("could not be rewritten");
    expect(keyFiles(node).map((path) => read(path).generation)).toEqual([1, 1]);
    const more = ["key", "rotate", "--old", `age:${node.path("old.txt")}`, "--identity", `age:${node.path("new.txt")}`];
    expect(await node.run(more)).toMatchObject({ code: 0 });
    expect(await node.run(["key", "rotate"])).toMatchObject({ code: 2 });
  });

  it("goes on where it was cut off, and takes files that others finished as they are", async () => {
    const node = await made();
    const [first = "", second = ""] = keyFiles(node);
    const untouched = readFileSync(first);
    node.setKeys(`keys: [${newKey}]\nidentities: [age:HOME/new.txt]`);
    const rotate = ["key", "rotate", "--old", `age:${node.path("old.txt")}`];
    await node.json(...rotate);
    // As if it had been killed after the second file, in the middle of the first.
    writeFileSync(first, untouched.subarray(0, 100));
    const snapshot = first.split("/").at(-2);
    const kept = JSON.stringify({ snapshot, bytes: untouched.toString("base64url") });
    const [folder = ""] = globSync("state/demo/old-key-files/*", { cwd: node.home });
    node.file(join(folder, "1-0.jsonl"), `${kept}\n{"snapshot":"2026`);
    const again = await node.json<Rekeyed & { warnings: string[] }>(...rotate);
    expect(again).toMatchObject({ rewritten: 1, unchanged: 1 });
    expect(again.warnings.join()).toContain("was brought back");
    expect(read(second).generation).toBe(2);
    expect(await node.restored()).toBe("content of the node");
  });
});

describe("what a cut-off run kept", () => {
  /** A node whose first vault a rotation was cut off on, as if in the middle of its first key file. */
  async function cutOff() {
    const node = await made();
    const [first = ""] = keyFiles(node);
    const untouched = readFileSync(first);
    node.setKeys(`keys: [${newKey}]\nidentities: [age:HOME/new.txt]`);
    const rotate = ["key", "rotate", "--old", `age:${node.path("old.txt")}`];
    await node.json(...rotate);
    const [folder = ""] = globSync("state/demo/old-key-files/*", { cwd: node.home });
    const snapshot = first.split("/").at(-2) ?? "";
    const kept = join(folder, "1-0.jsonl");
    node.file(kept, `${JSON.stringify({ snapshot, bytes: untouched.toString("base64url") })}\n`);
    return { node, rotate, first, snapshot, kept: node.path(kept) };
  }

  it("is put back into no other vault, and waits for its own", async () => {
    const { node, rotate, first, kept } = await cutOff();
    const other = `${node.home}/other`;
    cpSync(node.vault, other, { recursive: true, preserveTimestamps: true });
    chmodSync(other, 0o700);
    const there = first.replace(node.vault, other);
    rmSync(there);
    const config = readFileSync(node.config, "utf8");
    writeFileSync(node.config, config.replace(`file://${node.vault}`, `file://${other}`));
    await node.run(rotate);
    expect(existsSync(there)).toBe(false);
    expect(existsSync(kept)).toBe(true);
    writeFileSync(node.config, config);
    expect(await node.run(rotate)).toMatchObject({ code: 0 });
    expect(existsSync(kept)).toBe(false);
  });

  it("is not put back where the snapshot is gone", async () => {
    const { node, rotate, first, snapshot, kept } = await cutOff();
    rmSync(first);
    rmSync(`${node.vault}/demo/snapshots/${snapshot}.card.json`);
    await node.run(rotate);
    expect(existsSync(first)).toBe(false);
    expect(existsSync(kept)).toBe(false);
  });
});

describe("strict_sm", () => {
  it("lets key add and key rotate give nothing that SM4 does not wrap", async () => {
    const node = await made();
    const before = keyFiles(node).map((path) => readFileSync(path, "utf8"));
    node.setKeys(`encryptor: sm4\nstrict_sm: true\nkeys: [${newKey}]\nidentities: [age:HOME/old.txt]`);
    for (const words of [["add"], ["add", spareKey ?? ""], ["rotate", "--old", `age:${node.path("old.txt")}`]]) {
      const ran = await node.run(["key", ...words]);
      expect(ran.code, ran.stderr).toBe(3);
      expect(ran.stderr).toContain("strict_sm refuses this key");
    }
    expect(keyFiles(node).map((path) => readFileSync(path, "utf8"))).toEqual(before);
  });
});

describe("key add and remove", () => {
  it("give old snapshots what the configuration has now, and take a key away by itself or by its label", async () => {
    const node = await made();
    node.setKeys(`keys: [${oldKey}, ${newKey}]\nidentities: [age:HOME/old.txt]`);
    expect(await node.json<Rekeyed>("key", "add")).toMatchObject({ rewritten: 2 });
    expect(await node.json<Rekeyed>("key", "add", spareKey ?? "")).toMatchObject({ rewritten: 2 });
    const { stdout } = await node.run(["key", "list"]);
    expect(stdout.match(/demo +age +[0-9a-f]{16} +2 of 2 +128: X25519/g)).toHaveLength(3);

    expect(await node.run(["key", "remove", oldKey ?? ""])).toMatchObject({
      code: 12,
      stderr: expect.stringContaining("Take it out of the configuration first"),
    });
    const label = read(keyFiles(node)[0] ?? "").slots[0]?.kid ?? "";
    node.setKeys(`keys: [${newKey}]\nidentities: [age:HOME/old.txt, age:HOME/spare.txt]`);
    expect(await node.json<Rekeyed>("key", "remove", label)).toMatchObject({ rewritten: 2 });
    expect(await node.json<Rekeyed>("key", "remove", newKey ?? "").catch((error: Error) => error.message)).toContain(
      "first",
    );
    node.setKeys(`keys: [${newKey}]\nidentities: [age:HOME/old.txt]`);
    expect(await node.run(["verify"])).toMatchObject({ code: 4 });
    node.setKeys(`keys: [${newKey}]\nidentities: [age:HOME/spare.txt]`);
    expect(await node.run(["verify", "--all"])).toMatchObject({ code: 0 });
  });

  it("will not remove the last key", async () => {
    const node = await made();
    node.setKeys(`keys: [${newKey}]\nidentities: [age:HOME/old.txt]`);
    const { code, stderr } = await node.run(["key", "remove", oldKey ?? ""]);
    expect(code).toBe(4);
    expect(stderr).toContain("will not remove the last key of a snapshot");
  });
});

describe("a key file that an attacker changed", () => {
  it("is not rewritten: a slot put in is never carried on, and nothing is ever wrapped for a key found in the vault", async () => {
    const node = await made();
    const [first = ""] = keyFiles(node);
    const file = read(first);
    const slot = file.slots[0];
    if (slot === undefined) throw new Error("a slot is there");
    writeFileSync(first, canonicalBytes({ ...file, slots: [slot, { ...slot, id: "evil", kid: "0".repeat(16) }] }));
    node.setKeys(`keys: [${newKey}]\nidentities: [age:HOME/old.txt, age:HOME/new.txt]`);
    const { code, stderr } = await node.run(["key", "add"]);
    expect(code).toBe(4);
    expect(stderr).toContain("whose slots somebody changed");
    expect(read(first).slots.map(({ id }) => id)).toContain("evil");
    // The commitment proves the snapshot key all the same: restoring goes on, and says it.
    expect(await node.run(["verify", "--all"])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("was changed by somebody"),
    });
  });

  it("or put there from another snapshot is refused", async () => {
    const node = await made();
    const [first = "", second = ""] = keyFiles(node);
    writeFileSync(first, readFileSync(second));
    node.setKeys(`keys: [${newKey}]\nidentities: [age:HOME/old.txt, age:HOME/new.txt]`);
    const { code, stderr } = await node.run(["key", "add"]);
    expect(code).toBe(4);
    expect(stderr).toContain("1 key file could not be rewritten");
  });
});

const age = toolOrSkip("age", "age");
describe.skipIf(age.skip)(`key test${age.title}`, () => {
  it("proves keys at hand on the newest snapshot, and asks for those elsewhere until somebody answers", async () => {
    const node = await keyedNode(`keys: [${newKey}]`);
    node.file("new.txt", newId);
    const backup = await node.run(["backup"]);
    expect(backup.stderr).toContain("nobody has proven that age1");
    const asked = await node.run(["key", "test"]);
    expect(asked.code).toBe(4);
    const question = /echo (\S+) \| base64 -d \| age -d -i identity.txt/.exec(asked.stdout)?.[1] ?? "";
    const answer = execFileSync("age", ["-d", "-i", node.path("new.txt")], { input: Buffer.from(question, "base64") });
    expect(await node.run(["key", "test", "--answer", "f".repeat(32)])).toMatchObject({ code: 4 });
    expect(await node.run(["key", "test", "--answer", answer.toString()])).toMatchObject({ code: 0 });
    expect((await node.run(["key", "test"])).stdout).toMatch(/proven on/);
    expect((await node.run(["backup"])).stderr).not.toContain("nobody has proven");
    expect((await node.run(["key", "test", "--identity", `age:${node.path("new.txt")}`])).stdout).toMatch(
      /new\.txt: opens 2/,
    );
    node.file("old.txt", oldId);
    const wrong = await node.run(["key", "test", "--identity", `age:${node.path("old.txt")}`]);
    expect(wrong).toMatchObject({ code: 4, stdout: expect.stringContaining("DOES NOT OPEN") });
  });
});

describe("key generate", () => {
  it("makes files of mode 0600 that coldkeep takes, prints no key unless asked, and never replaces one", async () => {
    const node = await keyedNode("encrypt_key: HOME/made/aes.key");
    const path = node.path("made/aes.key");
    const aes = await node.run(["key", "generate", "--aes-256", "--to", path]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(aes.stdout).not.toContain(readFileSync(path, "utf8").trim());
    expect(await node.run(["doctor"])).toMatchObject({ stdout: expect.stringContaining("32 bytes") });
    expect(await node.run(["key", "generate", "--sm4", "--to", path])).toMatchObject({ code: 12 });
    await node.json("key", "generate", "--sm4", "--to", node.path("sm4.key"));
    expect(readFileSync(node.path("sm4.key"), "utf8")).toMatch(/^ckkey1\.[\w-]{22}\.[\w-]{4}\n$/);

    const { recipient } = await node.json<{ recipient: string }>(
      "key",
      "generate",
      "--age",
      "--to",
      node.path("id.txt"),
    );
    const identity = readFileSync(node.path("id.txt"), "utf8");
    expect(identity).toMatch(new RegExp(`^# created: \\S+Z\n# public key: ${recipient}\nAGE-SECRET-KEY-1[0-9A-Z]+\n$`));
    expect((await node.run(["key", "generate", "--age", "--stdout"])).stdout).toMatch(/^AGE-SECRET-KEY-1/m);
    for (const words of [[], ["--age"], ["--age", "--sm4", "--stdout"], ["--age", "--stdout", "--to", "x"]]) {
      expect(await node.run(["key", "generate", ...words])).toMatchObject({ code: 2 });
    }
    expect(await node.run(["key", "generate", "--hsm", "x"])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("pkcs11"),
    });
  });
});
