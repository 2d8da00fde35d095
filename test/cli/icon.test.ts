import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { describe, expect, it, onTestFinished } from "vitest";
import { ownIpOfInterfaces } from "../../agent/commands/own-ip.ts";
import { parseConfig, renderConfig } from "../../agent/config/index.ts";
import { profileOf } from "../../agent/profiles/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { makeVaultId, toNodeName } from "../../vault/names/index.ts";
import { tempDir } from "../support/tmp.ts";
import { runHere } from "./run.ts";

/** What a P-Rep holds under its block database, by real LevelDB. */
async function fill(folder: string, blocks: number): Promise<void> {
  const database: ClassicLevel<string, string> = new ClassicLevel(folder, { writeBufferSize: 64 << 10 });
  await database.open();
  for (let at = 0; at < blocks; at += 1) await database.put(`block ${at}`, `${at} ${"x".repeat(200)}`);
  await database.close();
}

async function contentOf(folder: string): Promise<[string, string][]> {
  const database: ClassicLevel<string, string> = new ClassicLevel(folder);
  await database.open();
  const all = await database.iterator().all();
  await database.close();
  return all;
}

/** Answers as told: with a status and a text, or not at all. */
async function server(answer: () => readonly [status: number, body: string] | null): Promise<string> {
  const answering = createServer((request, response) => {
    const [status, body] = answer() ?? [];
    if (status === undefined) return void request.socket.destroy();
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => answering.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void answering.close());
  return `http://127.0.0.1:${(answering.address() as AddressInfo).port}`;
}

/** A stand-in for loopchain's API: 503 while it is not in service, and its height all the same. */
async function peer(height: number, answers = () => true): Promise<string> {
  const body = JSON.stringify({ service_available: false, block_height: height });
  return `${await server(() => (answers() ? [503, body] : null))}/api/v1/avail/peer`;
}

/** A P-Rep's host: folders as the guide has them, a service that shell words start and stop. */
async function prep(blockFolder: string, answers = () => true) {
  const home = tempDir("prep");
  const data = join(home, "data/loopchain");
  mkdirSync(join(data, ".storage"), { recursive: true });
  mkdirSync(join(data, ".score_data"));
  mkdirSync(join(data, "cert"));
  writeFileSync(join(data, "cert/prep_private.pem"), "PRIVATE");
  writeFileSync(join(data, "my_keystore.json"), "PRIVATE");
  await fill(join(data, ".storage", blockFolder), 500);
  await fill(join(data, ".score_data/score"), 50);
  const config = join(home, "config.yaml");
  const up = join(home, "up");
  writeFileSync(up, "");
  const coldkeep = (...words: string[]) => runHere([...words, "--config", config], { clock: systemClock });
  const init = await coldkeep(
    ...["init", "--state-dir", join(home, "state"), "--vault", join(home, "vault"), "--key-file", join(home, "key")],
    ...["--node", "prep", "--root", `loopchain=${data}`, "--height-url", await peer(1234, answers)],
    ...["--stop", `rm -f ${up}; echo stop >>${up}.log`, "--start", `touch ${up}; echo start >>${up}.log`],
    ...["--is-running", `test -e ${up}`],
  );
  expect([init.code, init.stderr]).toEqual([0, expect.stringMatching(/profile icon/)]);
  return { home, data, config, up, coldkeep };
}

describe("a P-Rep of ICON", () => {
  it("is found by itself, named by its height, and comes back under its own address, without its keys", async () => {
    const { home, data, coldkeep, up } = await prep("db_10.1.2.3:7100_icon_dex");
    const { code, stdout, stderr } = await coldkeep("backup", "--json");
    expect([code, stderr]).toEqual([0, ""]);
    const { snapshot } = JSON.parse(stdout) as { snapshot: string };
    expect(snapshot).toMatch(/-bh1234-/);
    const before = await contentOf(join(data, ".storage/db_10.1.2.3:7100_icon_dex"));

    const running = await coldkeep("restore", "latest", "--force", "--own-ip", "203.0.113.7");
    expect(running).toMatchObject({ code: 12, stderr: expect.stringMatching(/the node runs/) });
    rmSync(up);
    for (const wrong of ["203.0.113", "203.0.113.256", "::1", "203.0.113.07", "db", "1.2.3.4.5", "1.2.3.4/../x"]) {
      const refused = await coldkeep("restore", "latest", "--force", "--own-ip", wrong);
      expect([wrong, refused.code, refused.stderr]).toEqual([
        wrong,
        2,
        expect.stringMatching(/an IPv4 address is expected/),
      ]);
    }
    expect(readdirSync(join(data, ".storage"))).toEqual(["db_10.1.2.3:7100_icon_dex"]);
    expect(await coldkeep("restore", "latest", "--own-ip", "203.0.113.7")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/may be a validator.*what it voted for.*--force/s),
    });
    const restored = await coldkeep("restore", "latest", "--force", "--own-ip", "203.0.113.7");
    expect([restored.code, restored.stderr]).toEqual([0, expect.anything()]);
    expect(existsSync(up), "a validator is started by whoever has seen to its votes").toBe(false);
    expect(readdirSync(join(data, ".storage"))).toEqual(["db_203.0.113.7:7100_icon_dex"]);
    expect(await contentOf(join(data, ".storage/db_203.0.113.7:7100_icon_dex"))).toEqual(before);
    expect(await contentOf(join(data, ".score_data/score"))).toHaveLength(50);
    expect([existsSync(join(data, "cert")), existsSync(join(data, "my_keystore.json"))]).toEqual([false, false]);

    const fresh = join(home, "fresh");
    expect((await coldkeep("restore", "latest", "--to", fresh, "--own-ip", "198.51.100.9")).code).toBe(0);
    expect(readdirSync(join(fresh, "loopchain/.storage"))).toEqual(["db_198.51.100.9:7100_icon_dex"]);
  });

  it("moves over and back: exported as the guide's archive, which its own words unpack, and imported from one", async () => {
    const { home, data, coldkeep } = await prep("db_10.1.2.3:7100_icon_dex");
    expect((await coldkeep("backup")).code).toBe(0);
    const before = await contentOf(join(data, ".storage/db_10.1.2.3:7100_icon_dex"));
    const archives = join(home, "archives");
    mkdirSync(archives);
    const exported = await coldkeep("export", "latest", "--format", "icon", "-o", archives);
    expect([exported.code, exported.stdout]).toEqual([0, expect.stringMatching(/NOT ENCRYPTED/)]);
    const [name = ""] = readdirSync(archives);
    expect(name).toMatch(/^PRep_BH1234_data-\d{8}_\d{4}\.tar\.gz$/);
    expect(readdirSync(archives)).toHaveLength(1);
    // As the guide's restore script does: unpack, then give the folder the own address.
    const there = join(home, "there");
    mkdirSync(there);
    execFileSync("tar", ["-xzf", join(archives, name), "-C", there]);
    expect(readdirSync(there).sort()).toEqual([".score_data", ".storage"]);
    expect(readdirSync(join(there, ".storage"))).toEqual(["db_CHANGEIP:7100_icon_dex"]);
    expect(await contentOf(join(there, ".storage/db_CHANGEIP:7100_icon_dex"))).toEqual(before);

    await coldkeep("pause", "--for", "2h");
    const imported = await coldkeep("import", "icon", join(archives, name), "--json");
    const [first] = (JSON.parse(imported.stdout) as { imported: { snapshot: string }[] }).imported;
    expect(first?.snapshot).toMatch(/-bh1234-/);
    const back = join(home, "back");
    expect((await coldkeep("restore", first?.snapshot ?? "", "--to", back, "--own-ip", "203.0.113.7")).code).toBe(0);
    expect(await contentOf(join(back, "loopchain/.storage/db_203.0.113.7:7100_icon_dex"))).toEqual(before);
    expect((await coldkeep("import", "icon", join(archives, name))).stdout).toMatch(/was imported before/);

    const cut = join(home, "PRep_BH1_data-20200101_0000.tar.gz");
    writeFileSync(cut, readFileSync(join(archives, name)).subarray(0, 5000));
    expect(await coldkeep("import", "icon", cut)).toMatchObject({
      code: 9,
      stderr: expect.stringMatching(/cannot be unpacked/),
    });
    const other = join(home, "PRep_BH2_data-20200101_0000.tar.gz");
    execFileSync("tar", ["-czf", other, "-C", home, "archives"]);
    expect(await coldkeep("import", "icon", other)).toMatchObject({
      code: 9,
      stderr: expect.stringMatching(/no archive of a P-Rep/),
    });
    expect(readdirSync(home).filter((each) => each.startsWith(".coldkeep-"))).toEqual([]);
  });

  it("is kept as its operators keep it: a week in a folder, 15 days and the one after midnight in a bucket", async () => {
    const { config } = await prep("db_icon_dex");
    expect(readFileSync(config, "utf8")).toMatch(/^tiers:\n {2}keep_within: 7d\n$/m);
    const text = renderConfig({
      vault: { url: "s3://bucket/prep" },
      vaultId: makeVaultId(new Uint8Array(16)),
      ...{ stateDir: "/s", encryptor: "aes", keyFile: "/k", node: toNodeName("prep"), profile: "icon" },
      roots: [{ name: "data", path: "/srv/prep" }],
      service: { manager: "none" },
      keep: profileOf("icon").keep ?? { folder: "", bucket: "", permanent: "" },
    });
    const { tiers } = parseConfig(text, "x.yaml", ["icon"]);
    expect(tiers).toMatchObject({ within: { last: { days: 15 } }, permanent: 0, timezone: "UTC" });
  });

  it("that does not answer is restarted, not backed up, and the exit code says so", async () => {
    let answers = () => true;
    const { home, up, coldkeep } = await prep("db_icon_dex", () => answers());
    // It hangs until it is started anew.
    answers = () => existsSync(`${up}.log`);
    const logs = join(home, "logs");
    const skipped = await coldkeep("backup", "--log-dir", logs);
    expect(skipped).toMatchObject({
      code: 7,
      stderr: expect.stringMatching(/no backup was made: the node did not answer/),
    });
    expect(readFileSync(`${up}.log`, "utf8")).toBe("stop\nstart\n");
    expect(existsSync(up)).toBe(true);
    expect(JSON.parse((await coldkeep("list", "--json")).stdout)).toMatchObject({ snapshots: [] });
    expect((await coldkeep("--log-dir", logs, "backup")).code).toBe(0);
    const days = readdirSync(logs);
    expect(days.every((name) => /^coldkeep-\d{8}\.log$/.test(name))).toBe(true);
    const log = days
      .sort()
      .map((name) => readFileSync(join(logs, name), "utf8"))
      .join("");
    const told = [
      "backup: begins",
      "does not answer",
      "exit code 7: no backup was made",
      "backup: begins",
      "backup: done",
    ];
    expect(log).toMatch(new RegExp(told.join(".*"), "s"));
    writeFileSync(join(home, "file"), "");
    expect(await coldkeep("list", "--log-dir", join(home, "file"))).toMatchObject({
      code: 14,
      stderr: expect.stringMatching(/no log can be written there/),
    });
  });

  it("asks for its own address whom own_ip_url names, and nobody where that is not written", async () => {
    const { home, config, coldkeep } = await prep("db_CHANGEIP:7100_icon_dex");
    expect((await coldkeep("backup")).code).toBe(0);
    let answer: readonly [number, string] | null = [200, "203.0.113.99\n"];
    let asked = 0;
    const url = await server(() => {
      asked += 1;
      return answer;
    });
    const written = readFileSync(config, "utf8");
    writeFileSync(config, written.replace(/^( +)when_down:/m, `$1own_ip_url: ${url}/ip\n$&`));
    const restored = async (to: string, ...words: string[]) => {
      const ran = await coldkeep("restore", "latest", "--to", join(home, to), ...words);
      return ran.code === 0 ? readdirSync(join(home, to, "loopchain/.storage"))[0] : ran;
    };
    expect(await restored("asked")).toBe("db_203.0.113.99:7100_icon_dex");
    expect(await restored("said", "--own-ip", "203.0.113.7")).toBe("db_203.0.113.7:7100_icon_dex");
    expect(asked).toBe(1);
    for (const [given, why] of [
      [null, /own_ip_url does not tell this host's own address/],
      [[200, "<html>203.0.113.7"], /an IPv4 address alone is expected/],
      [[404, "203.0.113.7"], /it answers 404/],
      [[200, "203.0.113.7/../x"], /an IPv4 address alone/],
    ] as const) {
      answer = given;
      expect(await restored("refused")).toMatchObject({ code: 2, stderr: expect.stringMatching(why) });
      expect(existsSync(join(home, "refused"))).toBe(false);
    }
  });

  it("of the layout since 2020-05 needs no address", async () => {
    const { data, coldkeep, up } = await prep("db_icon_dex");
    expect((await coldkeep("backup")).code).toBe(0);
    rmSync(up);
    expect((await coldkeep("restore", "latest", "--force")).code).toBe(0);
    expect(readdirSync(join(data, ".storage"))).toEqual(["db_icon_dex"]);
  });

  it("with blocks under two addresses is not guessed at; own_ip of the configuration will do for one", async () => {
    const { home, data, config, coldkeep } = await prep("db_CHANGEIP:7100_icon_dex");
    expect((await coldkeep("backup")).code).toBe(0);
    const text = readFileSync(config, "utf8");
    writeFileSync(config, text.replace(/^( +)when_down:/m, "$1own_ip: 192.0.2.44\n$&"));
    expect((await coldkeep("restore", "latest", "--to", join(home, "one"))).code).toBe(0);
    expect(readdirSync(join(home, "one/loopchain/.storage"))).toEqual(["db_192.0.2.44:7100_icon_dex"]);
    await fill(join(data, ".storage/db_10.0.0.1:7100_icon_dex"), 3);
    expect((await coldkeep("backup")).code).toBe(0);
    const two = await coldkeep("restore", "latest", "--to", join(home, "two"));
    expect(two).toMatchObject({ code: 12, stderr: expect.stringMatching(/block databases of several addresses/) });
  });
});

it("the own address is the only one of the interfaces, and nobody outside is asked", () => {
  const address = (text: string, internal = false) =>
    ({ family: "IPv4", internal, address: text, netmask: "", mac: "", cidr: null }) as const;
  expect(ownIpOfInterfaces({ lo: [address("127.0.0.1", true)], eth0: [address("192.0.2.1")] })).toBe("192.0.2.1");
  expect(() => ownIpOfInterfaces({ a: [address("192.0.2.1")], b: [address("192.0.2.2")] })).toThrow(
    /192.0.2.1, 192.0.2.2/,
  );
  expect(() => ownIpOfInterfaces({})).toThrow(/no IPv4 address/);
});
