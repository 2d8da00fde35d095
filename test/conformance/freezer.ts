import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { prepareFreeze, recoverFreeze } from "../../agent/freeze/index.ts";
import type { FreezeMeans, FreezeOptions, FrozenEntry } from "../../agent/freeze/types.ts";
import { silent } from "../../vault/names/index.ts";
import { controlOf, type FreezeSetting, freezeOptions, frozenBytes, pathOf, puppet } from "../support/freezing.ts";

/** Where a freezer is tried: `<home>/data` is the root, made and empty; `snapshots` tells what is there of any. */
export interface FreezerPlace {
  readonly home: string;
  readonly stateDir: string;
  readonly tools?: FreezeOptions["tools"];
  snapshots(): readonly string[];
}

const never = new AbortController().signal;

/** What holds for every way to make a view of a stopped node's files (agent/freeze/freezer.ts). */
export function freezerConforms(name: string, means: FreezeMeans, make: () => FreezerPlace, why: string | null): void {
  const title = why === null ? name : `${name} (${why})`;
  const options = (place: FreezerPlace, setting: FreezeSetting = {}) =>
    freezeOptions(place.home, {
      globs: { immutable: ["*.sst"], append_only: ["*.log"] },
      roots: [{ name: "data", path: join(place.home, "data"), means }],
      stateDir: place.stateDir,
      ...(place.tools === undefined ? {} : { tools: place.tools }),
      ...setting,
    });
  const files = (tree: { entries(): Iterable<FrozenEntry> }) =>
    new Map([...tree.entries()].filter(({ type }) => type === "file").map((entry) => [pathOf(entry), entry]));
  const recover = (place: FreezerPlace) => {
    const { stateDir, tools } = place;
    const control = controlOf(puppet().manager);
    return recoverFreeze({ node: "icon", stateDir, control, progress: silent, signal: never, tools });
  };
  function clean(place: FreezerPlace): void {
    expect(existsSync(join(place.home, ".coldkeep-freeze"))).toBe(false);
    expect(place.snapshots()).toEqual([]);
    expect(existsSync(join(place.stateDir, "freeze.journal"))).toBe(false);
  }

  it.skipIf(why !== null)(
    `${title}: the view is what was there while the node was down, whatever it does afterwards`,
    async () => {
      const place = make();
      const data = join(place.home, "data");
      mkdirSync(join(data, "deep/er"), { recursive: true });
      writeFileSync(join(data, "1.sst"), "table");
      writeFileSync(join(data, "deep/er/db"), "before", { mode: 0o640 });
      chmodSync(join(data, "deep/er/db"), 0o640);
      writeFileSync(join(data, "deep/gone"), "removed later");
      writeFileSync(join(data, "a.log"), "one\n");
      linkSync(join(data, "deep/er/db"), join(data, "twin"));
      symlinkSync("deep", join(data, "way"));
      const node = puppet({
        onStop: () => writeFileSync(join(data, "last"), "written by its stop"),
        onStart: () => {
          writeFileSync(join(data, "deep/er/db"), "after!");
          appendFileSync(join(data, "a.log"), "two\n");
          unlinkSync(join(data, "deep/gone"));
          writeFileSync(join(data, "new"), "came later");
        },
      });
      const prepared = await prepareFreeze(options(place, { control: controlOf(node.manager) }));
      expect(place.snapshots()).toEqual([]);
      const tree = await prepared.capture();
      expect(node.calls).toEqual(["stop", "start"]);
      for (let look = 0; look < 2; look += 1) {
        const entries = [...tree.entries()].map((entry) => [pathOf(entry), entry.type]);
        expect(entries).toEqual([
          ["data", "directory"],
          ["data/1.sst", "file"],
          ["data/a.log", "file"],
          ["data/deep", "directory"],
          ["data/deep/er", "directory"],
          ["data/deep/er/db", "file"],
          ["data/deep/gone", "file"],
          ["data/last", "file"],
          ["data/twin", "hardlink"],
          ["data/way", "symlink"],
        ]);
        const found = files(tree);
        const bytes = (path: string) => frozenBytes(found.get(path)).toString();
        expect(["data/1.sst", "data/a.log", "data/deep/er/db", "data/deep/gone", "data/last"].map(bytes)).toEqual([
          "table",
          "one\n",
          "before",
          "removed later",
          "written by its stop",
        ]);
        expect(found.get("data/deep/er/db")?.mode).toBe(0o640);
      }
      expect(tree.figures).toMatchObject({ files: 5, bytes: 47 });
      await tree.release();
      await tree.release();
      clean(place);
      expect(readFileSync(join(data, "deep/er/db"), "utf8")).toBe("after!");
    },
  );

  it.skipIf(why !== null)(
    `${title}: a second freeze knows again what did not change, by the same fingerprints`,
    async () => {
      const place = make();
      const data = join(place.home, "data");
      writeFileSync(join(data, "1.sst"), "table");
      writeFileSync(join(data, "grows.log"), "x");
      const prints: string[][] = [];
      for (const run of ["run-1", "run-2"]) {
        const tree = await (await prepareFreeze(options(place, { run }))).capture();
        prints.push([...files(tree).values()].map(({ fingerprint }) => fingerprint));
        await tree.release();
      }
      expect(prints[0]).toEqual(prints[1]);
      expect(prints[0]?.every((print) => print !== "")).toBe(true);
    },
  );

  it.skipIf(why !== null)(`${title}: abandoned, or failed at any step, nothing is left and the node runs`, async () => {
    const place = make();
    writeFileSync(join(place.home, "data/db"), "x");
    await (await prepareFreeze(options(place))).abandon();
    clean(place);
    const deaf = puppet({
      onStop: () => {
        throw new Error("it will not");
      },
    });
    await expect(
      (await prepareFreeze(options(place, { control: controlOf(deaf.manager) }))).capture(),
    ).rejects.toThrow();
    expect(deaf.calls.at(-1)).toBe("start");
    clean(place);
    const abort = new AbortController();
    const node = puppet({ onStart: () => abort.abort(new Error("told to stop")) });
    const prepared = await prepareFreeze(options(place, { control: controlOf(node.manager), signal: abort.signal }));
    await expect(prepared.capture()).rejects.toMatchObject({ kind: "interrupted" });
    expect(node.running).toBe(true);
    clean(place);
  });

  it.skipIf(why !== null)(`${title}: what a killed run left is removed by recover, twice over`, async () => {
    const place = make();
    writeFileSync(join(place.home, "data/db"), "x");
    const prepared = await prepareFreeze(options(place));
    await prepared.capture();
    const journal = join(place.stateDir, "freeze.journal");
    // As if this process were another one, and dead.
    const text = readFileSync(journal, "utf8").replace(/"startTime":"\d+"/, '"startTime":"1"');
    writeFileSync(journal, text);
    expect((await recover(place))?.did.at(-1)).toBe("the frozen tree of run-1 was removed");
    clean(place);
    // Killed before anything was made, or after all was removed.
    writeFileSync(journal, text.replace('"step":"started"', '"step":"prepared"'));
    expect((await recover(place))?.did).toHaveLength(1);
    clean(place);
    rmSync(join(place.home, "data/db"));
  });
}
