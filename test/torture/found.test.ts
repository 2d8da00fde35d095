import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { onCi } from "../support/ci.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { chanceOf } from "./chance.ts";
import { type Deed, deedsOf, importHost, type Prepared } from "./crash/deeds.ts";
import { type Fault, faultEnv, faultLibrary, type Op } from "./fault/fault.ts";
import { endWorld, makeWorld, type World } from "./world.ts";

/** What campaigns have found, each by the call at which it happened. Seeds are those of the campaign. */
const library = faultLibrary();
const missing = typeof library === "string" ? "" : ` (${library.missing})`;
if (missing !== "" && onCi()) throw new Error(missing);

const ops: readonly Op[] = ["create", "link", "rename"];

describe.skipIf(missing !== "")(`found by a campaign${missing}`, { timeout: 300_000 }, async () => {
  const home = sharedTempDir("coldkeep-found");
  const host = missing === "" ? await makeWorld(join(home, "host")) : (undefined as never as World);
  const imports = importHost(join(home, "imports"));
  const deeds = deedsOf(host, imports);
  afterAll(() => {
    endWorld(host);
    imports.end();
  });

  const deed = (name: string): Deed => deeds.find((one) => one.name === name) as Deed;
  const prepare = (name: string, seed: string): Promise<Prepared> => deed(name).prepare(chanceOf(seed));

  async function kill({ world, words }: Prepared, root: string, fault: Fault): Promise<void> {
    const env = faultEnv({ roots: [root], counter: join(home, "counter"), ops, fault });
    const { signal, stderr } = await world.run(words, env);
    expect(signal, stderr).toBe("SIGKILL");
  }

  /** Rotates to a new key, and expects that it alone opens all there is. */
  async function expectRotated(): Promise<void> {
    const rotation = await prepare("key rotation", "a");
    await host.json(...rotation.words);
    await host.json("backup");
    await host.json("rebuild");
    expect(await host.json("verify", "--all", "--read-data")).toMatchObject({ ok: true });
  }

  it("a snapshot that was committed and not listed yet gets its slots, too, in a rotation (crash 1, round 13)", async () => {
    await host.json("backup");
    await kill(await prepare("backup", "a"), join(host.vault, "demo/index.json"), { act: "kill", at: 1 });
    await expectRotated();
  });

  it("packs of a run that was cut off before a rotation are in no snapshot after it", async () => {
    await host.json("backup");
    const before = readdirSync(join(host.vault, "demo/begins"));
    await kill(await prepare("backup", "b"), join(host.vault, "demo/snapshots"), { act: "kill", at: 1 });
    const [dead = ""] = readdirSync(join(host.vault, "demo/begins")).filter((name) => !before.includes(name));
    const packs = join(host.vault, "demo/data", dead.replace(".json", ""), "00000.pack");
    expect(existsSync(packs), "there is something to take over").toBe(true);
    await expectRotated();
  });

  it("an import that is killed once its snapshot is committed does not import it twice (crash b, round 27)", async () => {
    const prepared = await prepare("import", "b");
    await kill(prepared, join(prepared.world.vault, "demo/index.json"), { act: "kill", at: 1 });
    expect(await prepared.finish(false)).toBeNull();
  });

  it("an import that is killed leaves its working folder to the next one, which removes it (crash b, round 9)", async () => {
    const prepared = await prepare("import", "b");
    await kill(prepared, prepared.world.vault, { act: "kill", at: 3 });
    const left = () => readdirSync(prepared.world.home).filter((name) => name.startsWith(".coldkeep-import-"));
    const [name = ""] = left();
    expect(left()).toHaveLength(1);
    expect(await prepared.finish(false)).toBeNull();
    expect(left()).toEqual([]);
    // Also one that has nothing left to import (power 2, round 9).
    mkdirSync(join(prepared.world.home, name));
    await prepared.world.json(...prepared.words);
    expect(left()).toEqual([]);
  });

  it("what was frozen is gone for good before the journal that knows of it (power 1, round 1)", async () => {
    const log = { file: join(home, "log"), trash: join(home, "trash") };
    mkdirSync(log.trash);
    const env = faultEnv({ roots: [host.home], counter: join(home, "counter"), log });
    expect((await host.run(["backup"], env)).code).toBe(0);
    const lines = readFileSync(log.file, "utf8").split("\n");
    const folder = lines.findIndex((line) => line.startsWith("d\t") && line.includes("\t.coldkeep-freeze\t"));
    const [, above] = (lines[folder] ?? "").split("\t");
    const journal = lines.findIndex((line) => line.startsWith("u\t") && line.includes("\tfreeze.journal\t"));
    expect(lines.slice(folder, journal)).toContain(`s\t${above}`);
  });
});
