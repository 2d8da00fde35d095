import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { copyOf, type Host, makeHost } from "./host.ts";

/** A vault of an earlier version with another node in it: what lies there is sound, and not ours. */
const OTHER = fileURLToPath(new URL("../compat/v1/vault/compat/", import.meta.url));
const [otherCard = ""] = readdirSync(join(OTHER, "snapshots"));
const [otherData = ""] = readdirSync(join(OTHER, "data"));

describe("what a person reads about a damaged vault", () => {
  const home = sharedTempDir("coldkeep-damage");
  let host: Host;
  /** The two snapshots; the second uses packs of both. */
  let first = "";
  let second = "";

  beforeAll(async () => {
    host = await makeHost(home);
    first = (await host.json<{ snapshot: string }>("backup")).snapshot;
    writeFileSync(join(host.data, "more"), randomBytes(100_000));
    second = (await host.json<{ snapshot: string }>("backup")).snapshot;
  });

  type Damage = (at: (name: string) => string) => void;
  const card = "snapshots/SECOND.card.json";
  const manifest = "data/SECOND/manifest";
  const key = "data/SECOND/key.json";
  const originKey = "data/FIRST/key.json";
  const pack = "data/SECOND/00000.pack";
  const originPack = "data/FIRST/00000.pack";
  const missing =
    (name: string): Damage =>
    (at) =>
      rmSync(at(name));
  const cut =
    (name: string): Damage =>
    (at) =>
      truncateSync(at(name), 50);
  const flip =
    (name: string): Damage =>
    (at) => {
      const bytes = readFileSync(at(name));
      bytes[90_000] = (bytes[90_000] ?? 0) ^ 1;
      writeFileSync(at(name), bytes);
    };
  const edit =
    (name: string, from: RegExp, to: string): Damage =>
    (at) => {
      const text = readFileSync(at(name), "utf8");
      expect(text).toMatch(from);
      writeFileSync(at(name), text.replace(from, to));
    };
  const swap =
    (one: string, other: string): Damage =>
    (at) => {
      renameSync(at(one), `${at(one)}~`);
      renameSync(at(other), at(one));
      renameSync(`${at(one)}~`, at(other));
    };
  const replace =
    (name: string, by: string): Damage =>
    (at) =>
      copyFileSync(join(OTHER, by), at(name));

  it.each<[string, Damage]>([
    ["a pack is missing", missing(pack)],
    ["a pack of an earlier snapshot is missing", missing(originPack)],
    ["a pack is cut", cut(pack)],
    ["a bit of a pack is flipped", flip(pack)],
    ["a pack is renamed", (at) => renameSync(at(pack), at("data/SECOND/00009.pack"))],
    ["a pack is another one", (at) => copyFileSync(at(originPack), at(pack))],
    ["the manifest is missing", missing(manifest)],
    ["the manifest is cut", cut(manifest)],
    ["a byte of the manifest is changed", (at) => writeFileSync(at(manifest), "!", { flag: "r+" })],
    ["the manifest is another snapshot's", swap(manifest, "data/FIRST/manifest")],
    ["the card is missing", missing(card)],
    ["the card is cut", cut(card)],
    ["a digit of the card is changed", edit(card, /"seq":2/, '"seq":3')],
    ["the card is another snapshot's", swap(card, "snapshots/FIRST.card.json")],
    ["the card is another node's", replace(card, `snapshots/${otherCard}`)],
    ["key.json is missing", missing(key)],
    ["key.json of an earlier snapshot is missing", missing(originKey)],
    ["key.json is cut", cut(key)],
    ["a letter of key.json is changed", edit(key, /"slots":/, '"slotz":')],
    ["a letter of a key slot is changed", edit(key, /"salt":"(A?)./, '"salt":"$1A')],
    ["key.json is another snapshot's", swap(key, originKey)],
    ["key.json is another node's", replace(key, `data/${otherData}/key.json`)],
    ["node.json is missing", missing("node.json")],
    ["node.json is another node's", replace("node.json", "node.json")],
    ["the index is missing", missing("index.json")],
    ["the index is cut", cut("index.json")],
  ])("%s", async (_, damage) => {
    const copy = copyOf(host, tempDir("coldkeep-damaged"));
    damage((name) => join(copy.vault, "demo", name.replace("SECOND", second).replace("FIRST", first)));
    const to = join(copy.home, "copy");
    const { code, stderr } = await copy.run(["restore", "--to", to]);
    expect(existsSync(to), "nothing is put in place").toBe(false);
    expect(readdirSync(copy.home).filter((name) => name.includes("coldkeep-"))).toEqual([]);
    const said = stderr
      .split("\n")
      .filter((line) => !/^\S+Z (info|error) /.test(line))
      .join("\n")
      .replaceAll(copy.home, "@")
      .replaceAll(second, "SECOND")
      .replaceAll(first, "FIRST")
      .replaceAll(/slot "[0-9a-f]{16}"/g, 'slot "<id>"')
      .replaceAll(/[0-9a-f]{64}/g, "<digest>")
      .replaceAll(/(expected (is )?)[\w-]{22}$/gm, "$1VAULT");
    expect(`${said}[${code}]`).toMatchSnapshot();
  });

  it("two packs are swapped: told by verify, with the files that costs and exit code 9", async () => {
    const copy = copyOf(host, tempDir("coldkeep-damaged"));
    swap(pack, originPack)((name) => join(copy.vault, "demo", name.replace("SECOND", second).replace("FIRST", first)));
    const { code, stdout, stderr } = await copy.run(["verify", "--read-data", "--json"]);
    expect(code).toBe(9);
    const answer = JSON.parse(stdout) as {
      ok: boolean;
      snapshots: { damages: { object: string; files: string[] }[] }[];
    };
    expect(answer.ok).toBe(false);
    const damages = answer.snapshots[0]?.damages.map(({ object, files }) => [object, files]) ?? [];
    expect(Object.fromEntries(damages)).toEqual({
      [`demo/data/${first}/00000.pack`]: ["data/large", "data/small"],
      [`demo/data/${second}/00000.pack`]: ["data/more"],
    });
    expect(JSON.parse(stderr)).toMatchObject({ error: { kind: "integrity", exit_code: 9 } });
  });

  it("verify --without-key needs none, and tells a byte that was changed where no frame lies", async () => {
    const copy = copyOf(host, tempDir("coldkeep-damaged"));
    rmSync(copy.key);
    const keyless = ["verify", "--read-data", "--without-key", "--json"];
    expect(await copy.run(keyless)).toMatchObject({ code: 0 });
    const path = join(copy.vault, "demo", pack.replace("SECOND", second));
    const bytes = readFileSync(path);
    // A byte of the header's salt, which opening frames by their place does not read.
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const { code, stdout } = await copy.run(keyless);
    expect(code).toBe(9);
    expect(JSON.parse(stdout).snapshots).toMatchObject([
      { snapshot: second, ok: false, damages: [{ problem: "changed" }] },
    ]);
  });
});
