import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadConfig } from "../../../agent/config/index.ts";
import { type Ran, runHere } from "../../cli/run.ts";
import { tempDir } from "../../support/tmp.ts";

/** A folder with a node's data in it, and the words that set coldkeep up for it. */
function world() {
  const home = tempDir("coldkeep-init");
  const data = join(home, "data");
  mkdirSync(data);
  writeFileSync(join(data, "file"), "x");
  const config = join(home, "etc", "config.yaml");
  const words = [
    ...["--config", config, "--state-dir", join(home, "state"), "--vault", `file://${join(home, "vault")}`],
    ...["--node", "demo", "--profile", "files", "--root", `data=${data}`],
  ];
  return { home, data, config, words, key: join(home, "etc", "coldkeep.key") };
}

interface Checked {
  readonly checks: readonly { readonly name: string; readonly status: string; readonly found: string }[];
}

async function doctor(config: string): Promise<Ran & Checked> {
  const ran = await runHere(["doctor", "--config", config, "--json"]);
  return { ...ran, ...(JSON.parse(ran.stdout) as Checked) };
}

function named({ checks }: Checked, name: string) {
  return checks.find((check) => check.name === name);
}

describe("init", () => {
  it("makes configuration, key, state and vault, each for its owner alone", async () => {
    const { home, config, words, key } = world();
    const { code, stdout } = await runHere(["init", ...words, "--json"]);
    expect(code).toBe(0);
    const answer = JSON.parse(stdout) as Record<string, string>;
    expect(loadConfig(config, ["files"])).toMatchObject({ vaultId: answer.vault_id, keys: [{ text: key }] });
    const modes = [
      config,
      key,
      join(home, "state", "demo"),
      join(home, "vault"),
      join(home, "vault", "vault.json"),
    ].map((path) => (statSync(path).mode & 0o777).toString(8));
    expect(modes).toEqual(["600", "600", "700", "700", "600"]);
    expect(stdout).not.toContain(readFileSync(key, "utf8").trim());
    expect(await runHere(["list", "--config", config])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("no snapshots of demo yet"),
    });
  });

  it("takes the profile of what lies in the folders, and says so; another one is warned of", async () => {
    const { data, words } = world();
    for (const name of ["CURRENT", "MANIFEST-000001", "000002.log"]) writeFileSync(join(data, name), "");
    const { config } = world();
    const rest = words.filter((word) => !["--profile", "files", "--config", words[1]].includes(word));
    const { code, stderr } = await runHere(["init", ...rest, "--config", config]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("found LevelDB, 1 database: profile leveldb")]);
    expect(readFileSync(config, "utf8")).toMatch(/profile: leveldb/);
    expect(named(await doctor(config), "profile")).toMatchObject({
      status: "ok",
      found: "leveldb: LevelDB, 1 database",
    });
    rmSync(join(data, "CURRENT"));
    expect(named(await doctor(config), "profile")).toMatchObject({
      status: "warn",
      found: "no leveldb lies in the roots, but files (profile files)",
    });
    for (const name of ["MANIFEST-000001", "000002.log", "file"]) rmSync(join(data, name));
    expect(named(await doctor(config), "profile")).toMatchObject({
      status: "warn",
      found: "the roots hold nothing yet",
    });
  });

  it("never replaces a configuration, and takes a key that is there", async () => {
    const { config, words, key } = world();
    mkdirSync(join(config, ".."));
    writeFileSync(key, "0123456789abcdefghijklmnopqrstuv\n", { mode: 0o600 });
    expect((await runHere(["init", ...words])).code).toBe(0);
    const before = readFileSync(config);
    expect((await runHere(["init", ...words])).code).toBe(12);
    expect(readFileSync(config).equals(before)).toBe(true);
    expect(readFileSync(key, "utf8")).toBe("0123456789abcdefghijklmnopqrstuv\n");
  });

  it("says what fails, ends with its code, and has written the configuration to mend", async () => {
    const { config, words, data } = world();
    rmSync(data, { recursive: true });
    const { code, stdout, stderr } = await runHere(["init", ...words]);
    expect(code).toBe(11);
    expect(stdout).toMatch(/^FAIL +root data +.* does not exist\n +→ correct the path, or mount its disk$/m);
    expect(stdout).toContain(`Next: mend what is marked FAIL, then: coldkeep doctor --config ${config}`);
    expect(stderr).toContain("not everything is in place");
    expect(existsSync(config)).toBe(true);
  });

  it("makes nothing at all where something is wrong", async () => {
    const { home, config, words, data } = world();
    const vaultInRoot = words.map((word) => (word.startsWith("file://") ? `file://${join(data, "vault")}` : word));
    for (const wrong of [
      vaultInRoot,
      words.map((word) => (word === "files" ? "fils" : word)),
      [...words, "--stop", "true"],
    ]) {
      expect((await runHere(["init", ...wrong])).code).toBeOneOf([2, 3]);
    }
    for (const path of [config, join(home, "state"), join(home, "vault"), join(data, "vault")])
      expect(existsSync(path)).toBe(false);
  });

  it("that was cut off before the configuration was written goes on with the same archive", async () => {
    const { config, words } = world();
    const first = JSON.parse((await runHere(["init", ...words, "--json"])).stdout) as { vault_id: string };
    rmSync(config);
    const second = JSON.parse((await runHere(["init", ...words, "--json"])).stdout) as { vault_id: string };
    expect(second.vault_id).toBe(first.vault_id);
  });

  it("prepares a node that was added to the configuration", async () => {
    const { home, config, words } = world();
    await runHere(["init", ...words]);
    mkdirSync(join(home, "other"));
    const more = `  second:\n    profile: files\n    roots: { data: ${join(home, "other")} }\n    service: { manager: none }\n`;
    writeFileSync(config, readFileSync(config, "utf8") + more);
    expect(await runHere(["list", "--config", config, "--node", "second"])).toMatchObject({ code: 11 });
    expect((await runHere(["init", "--config", config, "--node", "second"])).code).toBe(0);
    expect(existsSync(join(home, "state", "second"))).toBe(true);
    expect((await runHere(["list", "--config", config, "--node", "second"])).code).toBe(0);
  });

  it("finds the field of the height in what the node answers", async () => {
    const server = createServer((_, response) => response.end(JSON.stringify({ state: "x", block_height: 12 })));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    onTestFinished(() => void server.close());
    const { config, words } = world();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await runHere(["init", ...words, "--height-url", url]);
    expect(loadConfig(config, []).nodes[0]?.height).toEqual({ url, field: "block_height" });
  });

  it("asks at a terminal for what was not said, again where the answer will not do", async () => {
    const { home, config, data } = world();
    const answers = ["De mo", "demo", "leveldbx", "files", "relative", data, join(home, "vault"), ""];
    const asked: string[] = [];
    const ask = async (question: string) => {
      asked.push(question);
      return answers.shift() ?? "";
    };
    const { code, stderr } = await runHere(["init", "--config", config, "--state-dir", join(home, "state")], { ask });
    expect(code).toBe(0);
    expect(asked).toHaveLength(8);
    expect(stderr).toContain("not a node name");
    expect(loadConfig(config, ["files"]).nodes[0]).toMatchObject({
      name: "demo",
      roots: [{ name: "data", path: data }],
    });
  });
});

describe("doctor", () => {
  async function ready() {
    const it = world();
    expect((await runHere(["init", ...it.words])).code).toBe(0);
    return it;
  }

  it("has nothing against a fresh set-up, and says what is not proven yet", async () => {
    const { config } = await ready();
    const found = await doctor(config);
    expect(found.code).toBe(0);
    expect(found.checks.filter(({ status }) => status === "fail")).toEqual([]);
    expect(named(found, "key proven")).toMatchObject({ status: "note" });
    expect(named(found, "root data freeze")?.found).toContain("hard links");
  });

  it("leaves no trace beside the roots", async () => {
    const { home, config } = await ready();
    const before = statSync(home).nlink;
    await doctor(config);
    expect(statSync(home).nlink).toBe(before);
  });

  it.each<[string, (w: ReturnType<typeof world>) => void, string, number]>([
    ["a key that others can read", ({ key }) => chmodSync(key, 0o644), "key", 14],
    ["a key of the wrong length", ({ key }) => writeFileSync(key, "short"), "key", 4],
    ["a key that is gone", ({ key }) => rmSync(key), "key", 4],
    ["a state that others can enter", ({ home }) => chmodSync(join(home, "state", "demo"), 0o755), "state", 14],
    ["a state that is gone", ({ home }) => rmSync(join(home, "state"), { recursive: true }), "state", 11],
    ["a vault that is gone", ({ home }) => rmSync(join(home, "vault"), { recursive: true }), "vault", 8],
    ["a vault without vault.json", ({ home }) => rmSync(join(home, "vault", "vault.json")), "vault", 8],
    ["a root that is gone", ({ data }) => rmSync(data, { recursive: true }), "root data", 11],
  ])("finds %s", async (_, breakIt, name, code) => {
    const it = await ready();
    breakIt(it);
    const found = await doctor(it.config);
    expect(named(found, name)).toMatchObject({ status: "fail" });
    expect(found.code).toBe(code);
    expect(JSON.parse(found.stderr)).toMatchObject({ error: { exit_code: code } });
  });

  it("warns of a guessable key, of one inside the vault, and of what was left behind", async () => {
    const { home, config, key } = await ready();
    writeFileSync(key, "passwordpassword\n");
    writeFileSync(join(home, "state", "demo", "freeze.journal"), "{}", { mode: 0o600 });
    const found = await doctor(config);
    expect(named(found, "key strength")).toMatchObject({ status: "warn" });
    expect(named(found, "left behind")).toMatchObject({ status: "warn" });

    writeFileSync(join(home, "vault", "k.key"), "0H#y@EGXPOAScAnB", { mode: 0o600 });
    writeFileSync(config, readFileSync(config, "utf8").replace(key, join(home, "vault", "k.key")));
    expect(named(await doctor(config), "key place")).toMatchObject({ status: "warn" });
  });

  it("does not consume the key file", async () => {
    const { config, key } = await ready();
    writeFileSync(config, readFileSync(config, "utf8").replace("# consume_key_file", "consume_key_file"));
    await doctor(config);
    expect(statSync(key).size).toBeGreaterThan(0);
  });

  it("finds commands that do not exist", async () => {
    const { config } = await ready();
    const text = readFileSync(config, "utf8").replace(
      "manager: none",
      "manager: command\n      start: no-such-program-here start\n      stop: [/no/such/program]\n      is_running: cd / && true",
    );
    writeFileSync(config, text);
    const found = await doctor(config);
    expect(found.checks.filter(({ status }) => status === "fail").map(({ name }) => name)).toEqual([
      "service stop",
      "service start",
    ]);
    expect(found.code).toBe(3);
  });
});
