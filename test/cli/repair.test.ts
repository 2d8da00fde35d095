import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { keptKeyFiles } from "../../agent/commands/key-context.ts";
import { toNodeName } from "../../vault/names/index.ts";
import { openStore } from "../../vault/store/index.ts";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { copyOf, type Host, makeHost } from "./host.ts";

interface Repaired {
  readonly ok: boolean;
  readonly looked: readonly string[];
  readonly damaged: readonly string[];
  readonly objects: readonly {
    readonly object: string;
    readonly problem: string;
    readonly outcome: string;
    readonly how: string;
    readonly snapshots: readonly string[];
    readonly files: readonly string[];
  }[];
}

describe("what is damaged in the vault is put back from the node's files", () => {
  const home = sharedTempDir("coldkeep-repair");
  let made: Host;
  let first = "";
  let second = "";

  beforeAll(async () => {
    made = await makeHost(home);
    // Compresses, unlike the node's other large file.
    writeFileSync(join(made.data, "words"), "the same words again and again, ".repeat(20_000));
    first = (await made.json<{ snapshot: string }>("backup")).snapshot;
    writeFileSync(join(made.data, "more"), "more of them: ".repeat(10_000));
    second = (await made.json<{ snapshot: string }>("backup")).snapshot;
  });

  const at = (host: Host, name: string) => join(host.vault, host.node, name);
  const folder = (host: Host, id: string) => at(host, `data/${id}`);
  /** The pack with the files' content: segments have one of their own. */
  function dataPack(host: Host, id: string): string {
    const packs = readdirSync(folder(host, id)).filter((name) => name.endsWith(".pack"));
    const [largest = ""] = packs.sort((a, b) => size(host, id, b) - size(host, id, a));
    return `data/${id}/${largest}`;
  }
  const size = (host: Host, id: string, name: string) => readFileSync(join(folder(host, id), name)).length;
  function flip(path: string, ...places: number[]): void {
    const bytes = readFileSync(path);
    for (const place of places) bytes[place] = (bytes[place] ?? 0) ^ 0x10;
    writeFileSync(path, bytes);
  }
  const repair = async (host: Host, ...words: string[]) => {
    const { code, stdout } = await host.run(["repair", "--json", ...words]);
    return { code, ...(JSON.parse(stdout) as Repaired) };
  };
  async function restoresAll(host: Host): Promise<void> {
    expect((await host.run(["verify", "--all", "--read-data"])).code).toBe(0);
    const to = tempDir("coldkeep-repaired");
    await host.json("restore", "latest", "--to", to);
    for (const name of ["large", "small", "words", "more"]) {
      expect(readFileSync(join(to, "data", name)).equals(readFileSync(join(host.data, name))), name).toBe(true);
    }
  }

  type Damage = (host: Host) => string;
  const REPAIRED: readonly (readonly [string, Damage])[] = [
    [
      "a pack that was deleted",
      (host) => {
        const name = dataPack(host, first);
        rmSync(at(host, name));
        return name;
      },
    ],
    [
      "bits flipped in header, frames, footer and trailer",
      (host) => {
        const name = dataPack(host, first);
        const { length } = readFileSync(at(host, name));
        flip(at(host, name), 3, 70, 200, 100_000, length - 40, length - 3);
        return name;
      },
    ],
    [
      "a pack cut off",
      (host) => {
        const name = dataPack(host, first);
        truncateSync(at(host, name), 150_000);
        return name;
      },
    ],
    [
      "another object in its place",
      (host) => {
        const name = dataPack(host, first);
        cpSync(at(host, dataPack(host, second)), at(host, name));
        return name;
      },
    ],
    [
      "a list of packs that is gone",
      (host) => {
        rmSync(at(host, `data/${second}/packs-0000.json`));
        return `data/${second}/packs-0000.json`;
      },
    ],
    [
      "a bit of the padding behind the list of files",
      (host) => {
        const packs = readdirSync(folder(host, second)).filter((name) => name.endsWith(".pack"));
        const name = packs.map((one) => `data/${second}/${one}`).find((one) => one !== dataPack(host, second)) ?? "";
        flip(at(host, name), 60_000);
        return name;
      },
    ],
  ];

  it.each(REPAIRED)("%s", async (_, damage) => {
    const host = copyOf(made, tempDir("coldkeep-repair-copy"));
    const object = damage(host);
    const before = new Map(
      readdirSync(folder(made, first)).map((name) => [name, readFileSync(join(folder(made, first), name))]),
    );
    const dry = await repair(host, "--read-data", "--dry-run");
    expect(dry).toMatchObject({ code: 9, ok: false });
    expect(dry.objects.map(({ outcome }) => outcome)).toContain("possible");
    const found = await repair(host, "--read-data");
    expect(found, JSON.stringify(found)).toMatchObject({ code: 0, ok: true, damaged: [] });
    expect(found.objects.map((one) => [one.object, one.outcome])).toContainEqual([
      `${host.node}/${object}`,
      "repaired",
    ]);
    for (const [name, bytes] of before)
      expect(readFileSync(join(folder(host, first), name)).equals(bytes), name).toBe(true);
    await restoresAll(host);
    expect(await repair(host, "--read-data")).toMatchObject({ code: 0, objects: [] });
  });

  it("claims no more than it looked at, and verify names what mends", async () => {
    const host = copyOf(made, tempDir("coldkeep-repair-copy"));
    flip(at(host, dataPack(host, first)), 5_000);
    const verified = await host.run(["verify", "--all", "--read-data"]);
    expect(verified).toMatchObject({ code: 9, stderr: expect.stringContaining("coldkeep repair --read-data") });
    const shallow = await host.run(["repair"]);
    expect(shallow).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("--read-data reads what the packs hold"),
    });
    expect(shallow.stdout).not.toContain("damaged");
    expect((await host.run(["repair", "--read-data"])).stdout).toMatch(/1 object put back, nothing is damaged\.\n$/);
  });

  it("says what stays lost where the node's file is another by now, and puts nothing", async () => {
    const host = copyOf(made, tempDir("coldkeep-repair-lost"));
    const name = dataPack(host, first);
    rmSync(at(host, name));
    writeFileSync(join(host.data, "large"), "something else");
    const { code, objects, damaged } = await repair(host);
    expect(code).toBe(9);
    expect([...damaged].sort()).toEqual([first, second].sort());
    expect(objects).toMatchObject([{ outcome: "lost", problem: "missing", files: ["data/large"] }]);
    expect([...(objects[0]?.snapshots ?? [])].sort()).toEqual([first, second].sort());
    expect(readdirSync(folder(host, first))).not.toContain(name.split("/").at(-1));
    // Listed as what they are: the next backup does not build on what is lost, and stores all anew.
    const { snapshots } = await host.json<{ snapshots: { snapshot: string; state: string }[] }>("list");
    expect(snapshots.map(({ state }) => state)).toEqual(["broken", "broken"]);
    await host.json("backup");
    expect((await host.run(["verify", "--read-data"])).code).toBe(0);
  });

  it("gives back what a file that moved has: any place of the same content will do", async () => {
    const host = copyOf(made, tempDir("coldkeep-repair-moved"));
    cpSync(join(host.data, "large"), join(host.data, "z-copy"));
    await host.json("backup");
    rmSync(at(host, dataPack(host, first)));
    rmSync(join(host.data, "large"));
    expect(await repair(host)).toMatchObject({ code: 0, ok: true });
  });

  it("makes nobody believe that a lost manifest or key came back", async () => {
    const host = copyOf(made, tempDir("coldkeep-repair-key"));
    rmSync(at(host, `data/${second}/manifest`));
    rmSync(at(host, `data/${first}/key.json`));
    const { code, objects } = await repair(host);
    expect(code).toBe(9);
    expect(objects.map(({ outcome }) => outcome)).toEqual(["lost", "lost"]);
  });

  it("brings back a key file that a rotation which was cut off kept on this host", async () => {
    const host = copyOf(made, tempDir("coldkeep-repair-kept"));
    const path = at(host, `data/${first}/key.json`);
    const bytes = readFileSync(path);
    rmSync(path);
    const { url } = await openStore(pathToFileURL(host.vault).href, {});
    const state = /^state_dir: (.+)$/m.exec(readFileSync(host.config, "utf8"))?.[1] ?? "";
    const kept = keptKeyFiles({ stateDir: state }, { name: toNodeName(host.node) }, { url });
    mkdirSync(kept, { recursive: true });
    writeFileSync(
      join(kept, "1-a.jsonl"),
      `${JSON.stringify({ snapshot: first, bytes: bytes.toString("base64url") })}\n`,
    );
    expect(await repair(host)).toMatchObject({ code: 0, ok: true, objects: [] });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it("takes what the list calls damaged for damaged, and clears it once it is whole", async () => {
    const host = copyOf(made, tempDir("coldkeep-repair-listed"));
    const name = dataPack(host, first);
    const bytes = readFileSync(at(host, name));
    const kept = readFileSync(join(host.data, "large"));
    flip(at(host, name), 100_000, 320_000);
    rmSync(join(host.data, "large"));
    rmSync(join(host.data, "words"));
    expect((await repair(host, "--read-data")).code).toBe(9);
    writeFileSync(join(host.data, "large"), kept);
    writeFileSync(join(host.data, "words"), "the same words again and again, ".repeat(20_000));
    // Without --read-data: its size is right, and only the list tells.
    expect(await repair(host)).toMatchObject({ code: 0, ok: true });
    expect(readFileSync(at(host, name)).equals(bytes)).toBe(true);
    const { snapshots } = await host.json<{ snapshots: { state: string }[] }>("list");
    expect(snapshots.map(({ state }) => state)).toEqual(["good", "good"]);
  });
});
