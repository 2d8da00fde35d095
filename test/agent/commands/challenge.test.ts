import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { type KeyedNode, keyedNode } from "../../support/keyed-node.ts";
import { PIN, SOFTHSM, type SoftHsm, softHsm, softHsmOrSkip } from "../../support/softhsm.ts";
import { sharedTempDir } from "../../support/tmp.ts";
import { toolOrSkip } from "../../support/tools.ts";

const openssl = toolOrSkip("openssl", "openssl");
const hsm = await softHsmOrSkip();
const KEYS_MD = readFileSync(new URL("../../../docs/KEYS.md", import.meta.url), "utf8");

/** Runs a line in a shell that has `cwd` for its folder. */
const shell = (line: string, cwd: string) =>
  execFileSync("sh", ["-c", line], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
/** The line of `key test` that begins as given, after the question was put in. */
const lineOf = (printed: string, tool: string) =>
  printed
    .split("\n")
    .find((line) => line.includes(`${tool} `))
    ?.trim() ?? "";

async function prove(node: KeyedNode, run: (printed: string) => string): Promise<void> {
  const asked = await node.run(["key", "test"]);
  expect(asked.code).toBe(4);
  const answer = run(asked.stdout);
  expect(answer).toMatch(/^[0-9a-f]{32}$/);
  expect(await node.run(["key", "test", "--answer", answer])).toMatchObject({ code: 0 });
  expect((await node.run(["key", "test"])).stdout).toMatch(/proven on/);
  expect((await node.run(["doctor"])).stdout).not.toContain("key unproven");
}

describe.skipIf(openssl.skip)(`the challenge for an RSA public key${openssl.title}`, () => {
  it.each(["sha256", "sha1"] as const)("is answered by the very line that is printed: %s", async (hash) => {
    const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const node = await keyedNode(`keys: [{ key: "rsa:HOME/public.pem", hash: ${hash} }]`);
    node.file("public.pem", pair.publicKey.export({ type: "spki", format: "pem" }));
    node.file("private.pem", pair.privateKey.export({ type: "pkcs8", format: "pem" }));
    await node.json("backup");
    expect((await node.run(["doctor"])).stdout).toMatch(/WARN +key unproven/);
    await prove(node, (printed) => shell(lineOf(printed, "openssl"), node.home));
    // What was shown by one hash says nothing of the other: a token may know one alone.
    node.setKeys(`keys: [{ key: "rsa:HOME/public.pem", hash: ${hash === "sha1" ? "sha256" : "sha1"} }]`);
    const other = await node.run(["key", "test"]);
    expect(other).toMatchObject({ code: 4, stdout: expect.stringContaining("NOT PROVEN") });
    expect(shell(lineOf(other.stdout, "openssl"), node.home)).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe.skipIf(hsm.skip)(`an RSA pair in a real SoftHSM, its public half on the host${hsm.title}`, () => {
  const folder = sharedTempDir("coldkeep-hsm-challenge");
  let soft: SoftHsm;
  /** A documented line for this machine's library and token; the PIN, which a person types, is put beside --login. */
  const here = (line: string) =>
    line
      .replaceAll("--module LIB", `--module ${SOFTHSM} --token-label backup`)
      .replaceAll("--login", `--login --pin ${PIN}`)
      .replaceAll("--id ID", "--id 01");
  const documented = (start: string) =>
    KEYS_MD.split("\n")
      .filter((line) => line.startsWith(`    ${start}`))
      .map((line) => line.trim());

  beforeAll(() => {
    soft = softHsm(folder);
    soft.token("backup");
  });

  it("is made, exported, encrypted for, proven and restored with as KEYS.md says, line by line", async () => {
    const node = await keyedNode('keys: [{ key: "rsa:HOME/backup.pem", hash: sha1 }]');
    const [make = "", give = ""] = documented("pkcs11-tool").filter((line) => !line.includes("--decrypt"));
    expect(make).toContain("--keypairgen");
    expect(give).toContain("--read-object");
    shell(here(make), node.home);
    shell(here(give), node.home);
    expect(readFileSync(node.path("backup.pem"), "utf8")).toContain("BEGIN PUBLIC KEY");

    await node.json("backup");
    const closed = await node.run(["restore", "--to", node.path("never")]);
    expect(closed).toMatchObject({ code: 4, stderr: expect.stringContaining("only the public halves are here") });
    await prove(node, (printed) => shell(here(lineOf(printed, "pkcs11-tool")), node.home));
    // KEYS.md has the same line, in two.
    const [question = ""] = documented("echo QUESTION");
    const [, bySha1 = ""] = documented("pkcs11-tool").filter((line) => line.includes("--decrypt"));
    const asked = await keyedNode(`keys: [{ key: "rsa:${node.path("backup.pem")}", hash: sha1 }]`);
    await asked.json("backup");
    const printed = (await asked.run(["key", "test"])).stdout;
    const words = /echo (\S+) \|/.exec(printed)?.[1] ?? "";
    shell(question.replace("QUESTION", words), asked.home);
    const answer = shell(here(bySha1), asked.home);
    expect(await asked.run(["key", "test", "--answer", answer])).toMatchObject({ code: 0 });

    // The snapshots made for the exported half open where the token is.
    node.setKeys(`keys: [{ key: "rsa:HOME/backup.pem", hash: sha1 }]
identities: ["hsm:01"]
pkcs11: { library: ${SOFTHSM}, label: backup, password: "${PIN}", enabled: false }`);
    expect(await node.restored()).toBe("content of the node");
  });

  it("with SHA-256 is printed a line for tokens that know it, which SoftHSM does not", async () => {
    const node = await keyedNode('keys: ["rsa:HOME/backup.pem"]');
    shell(here(documented("pkcs11-tool").find((line) => line.includes("--read-object")) ?? ""), node.home);
    await node.json("backup");
    const line = lineOf((await node.run(["key", "test"])).stdout, "pkcs11-tool");
    const [bySha256 = ""] = documented("pkcs11-tool").filter((one) => one.includes("--decrypt"));
    expect(line.replace(/^.*&& /, "").replace("--id ID", "--id 01")).toBe(bySha256);
    expect(() => shell(here(line), node.home)).toThrow();
  });
});
