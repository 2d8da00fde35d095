import { appendFileSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromText } from "../../../agent/freeze/bytes.ts";
import { readEntries } from "../../../agent/freeze/entries.ts";
import { FileGroups } from "../../../agent/freeze/file-groups.ts";
import { makeInodes, onceStopped, whileRunning } from "../../../agent/freeze/freeze-files.ts";
import { type FrozenPlace, makePlace, planPlace, removeRun } from "../../../agent/freeze/frozen-place.ts";
import { makeInodeSet } from "../../../agent/freeze/inode-set.ts";
import { makeNotes } from "../../../agent/freeze/notes.ts";
import type { FolderHead } from "../../../agent/freeze/records.ts";
import { makeCopyNeeds } from "../../../agent/freeze/space.ts";
import type { FrozenEntry } from "../../../agent/freeze/types.ts";
import { walk } from "../../../agent/freeze/walk.ts";
import { createWalkFiles, makeCursor } from "../../../agent/freeze/walk-files.ts";
import { captureSetOf } from "../../../agent/profiles/index.ts";
import { freezeOptions, frozenBytes, makeHome, pathOf } from "../../support/freezing.ts";
import { fakeFreeze } from "../../support/frozen-tree.ts";
import { tempDir } from "../../support/tmp.ts";

const TICK = 20_000_000n;
const SECOND = 1_000_000_000n;

/**
 * The walks of one freeze over `home/data`, whose file system's clock seems to be `ahead` of what it is (ns): so what
 * was changed just now counts as old. Without `links`, none can be made.
 */
async function makeWalks(home: string, immutable: readonly string[], ahead: bigint, links = true) {
  const place = makePlace(planPlace({ name: "data", path: join(home, "data") }, "run@icon"));
  const began = place.now();
  // Changes must not share the clock tick of what was there before.
  while (place.now() < began + 2n * TICK) await nextTurn();
  const shifted: FrozenPlace = { ...place, now: () => place.now() + ahead, ...(links ? {} : { link: () => null }) };
  const places = [shifted];
  const files = createWalkFiles(join(home, "records"));
  const inodes = makeInodes(places, makeInodeSet);
  const groups = new FileGroups();
  const notes = makeNotes();
  const base = { places, files, notes, mounts: new Set<string>(), profile: captureSetOf("files", { immutable }) };
  let last: Generator<FolderHead> | null = null;

  function pass(running: boolean, before = last): number {
    const writer = files.begin();
    const handle = running
      ? whileRunning(inodes, makeCopyNeeds(), null)
      : onceStopped(inodes, makeInodes(places, makeInodeSet), groups);
    const cursor = before === null ? null : makeCursor(before);
    for (const _ of walk({ ...base, writer, handle, before: cursor, settled: !running }));
    writer.finish();
    place.flush();
    last = files.heads(writer.walk);
    return writer.walk;
  }

  async function entries(number: number): Promise<FrozenEntry[]> {
    return [...readEntries({ places, files, walk: number, groups, notes })];
  }

  const heads = (number: number) => [...files.heads(number)];
  return { pass, entries, heads, remove: () => removeRun(fromText(join(home, ".coldkeep-freeze/run@icon")), nextTurn) };
}

const shape = ({ type, mode, uid, gid, mtime, size, known, secret, sparse, target }: FrozenEntry) => ({
  ...{ type, mode, uid, gid, mtime, size, known, secret, sparse },
  ...(target === undefined ? {} : { target }),
});

async function asItLies(home: string): Promise<object[]> {
  const tree = await (await fakeFreeze()(freezeOptions(home))).capture();
  const all: object[] = [];
  for (const entry of tree.entries()) all.push({ at: pathOf(entry), ...shape(entry) });
  return all;
}

describe("a second walk", () => {
  it("reads again what changed and nothing else, and comes to the same as a first one would", async () => {
    const names = ["a", "b", "c.dat", "d"];
    const where = fc.tuple(fc.constantFrom("", "x/", "x/y/", "z/"), fc.constantFrom(...names));
    const change = fc.tuple(fc.constantFrom("write", "append", "remove", "rename", "link", "folder"), where, where);
    let made = 0;
    const all = tempDir("walks");
    await fc.assert(
      fc.asyncProperty(
        fc.array(where, { maxLength: 8 }),
        fc.array(change, { maxLength: 6 }),
        async (grown, changes) => {
          const home = join(all, String(made++));
          const data = join(home, "data");
          for (const folder of ["", "x", "x/y", "z"]) mkdirSync(join(data, folder), { recursive: true });
          for (const [folder, name] of grown) writeFileSync(join(data, folder + name), name);
          // Folders older than a tick are not young; files are, for an hour.
          const walks = await makeWalks(home, ["*.dat", "b"], 2n * SECOND - TICK);
          walks.pass(true);
          for (const [kind, from, to] of changes) apply(kind, join(data, from.join("")), join(data, to.join("")));
          const expected = await asItLies(home);
          const last = walks.pass(false);
          expect((await walks.entries(last)).map((entry) => ({ at: pathOf(entry), ...shape(entry) }))).toEqual(
            expected,
          );
          await walks.remove();
        },
      ),
      { numRuns: 30 },
    );
  });

  function apply(kind: string, from: string, to: string): void {
    try {
      if (kind === "write") writeFileSync(from, "new");
      else if (kind === "append") appendFileSync(from, "more");
      else if (kind === "remove") rmSync(from, { recursive: true });
      else if (kind === "rename") renameSync(from, to);
      else if (kind === "link") linkSync(from, to);
      else mkdirSync(from);
    } catch {
      // Not a change that this tree can have.
    }
  }

  it("takes over an old folder of old immutable files without looking at them", async () => {
    const { home, data } = makeHome();
    mkdirSync(join(data, "tables"));
    mkdirSync(join(data, "logs"));
    writeFileSync(join(data, "tables/1.dat"), "1");
    writeFileSync(join(data, "logs/log"), "1");
    const walks = await makeWalks(home, ["*.dat"], 7200n * SECOND);
    const first = walks.pass(true);
    const second = walks.pass(false);
    const rowsOf = (number: number) => Object.fromEntries(walks.heads(number).map((h) => [h.path, h.rows.walk]));
    expect(rowsOf(second)).toEqual({ "": first, logs: second, tables: first });
    writeFileSync(join(data, "tables/2.dat"), "2");
    const third = walks.pass(false);
    expect(rowsOf(third)).toEqual({ "": first, logs: third, tables: third });
    expect((await walks.entries(third)).map(pathOf)).toContain("data/tables/2.dat");
    await walks.remove();
  });

  it("looks again at a young immutable file in a folder that did not change: it may still be written", async () => {
    const { home, data } = makeHome();
    writeFileSync(join(data, "1.dat"), "half");
    const walks = await makeWalks(home, ["*.dat"], 2n * SECOND - TICK);
    walks.pass(true);
    appendFileSync(join(data, "1.dat"), " and the rest");
    const [, entry] = await walks.entries(walks.pass(false));
    const { size, mtimeNs } = lstatSync(join(data, "1.dat"), { bigint: true });
    expect(entry?.size).toBe(Number(size));
    expect(entry?.fingerprint.endsWith(`:${size}:${mtimeNs}`)).toBe(true);
    await walks.remove();
  });

  it("copies an immutable file that cannot be linked once, and again only where it changed", async () => {
    const { home, data } = makeHome();
    writeFileSync(join(data, "1.dat"), "same");
    writeFileSync(join(data, "2.dat"), "half");
    const walks = await makeWalks(home, ["*.dat"], 0n, false);
    const [, one, two] = await walks.entries(walks.pass(true));
    appendFileSync(join(data, "2.dat"), " and the rest");
    const [, same, other] = await walks.entries(walks.pass(false));
    const placeOf = (entry: FrozenEntry | undefined) => [entry?.source, entry?.offset];
    expect(placeOf(same)).toEqual(placeOf(one));
    expect(placeOf(other)).not.toEqual(placeOf(two));
    expect(frozenBytes(other).toString("latin1")).toBe("half and the rest");
    expect(other?.mutability).toBe("immutable");
    await walks.remove();
  });

  it("does not trust a folder's times that are younger than the file system can tell apart", async () => {
    const { home, data } = makeHome();
    writeFileSync(join(data, "1.dat"), "1");
    for (const [ahead, young] of [
      [0n, true],
      [7200n * SECOND, false],
    ] as const) {
      const walks = await makeWalks(home, ["*.dat"], ahead);
      const first = walks.pass(true);
      const [head] = walks.heads(first);
      expect(head?.young).toBe(young);
      writeFileSync(join(data, "late"), "");
      // As if the change had fallen into the very tick of the first walk: the folder's times say nothing of it.
      const { mtimeNs, ctimeNs } = lstatSync(data, { bigint: true });
      const blind = walks.heads(first).map((h) => ({ ...h, mtimeNs, ctimeNs }));
      const last = walks.pass(
        false,
        (function* () {
          yield* blind;
        })(),
      );
      const found = (await walks.entries(last)).map(pathOf);
      expect(found.includes("data/late")).toBe(young);
      await walks.remove();
      rmSync(join(data, "late"));
      rmSync(join(home, "records"), { recursive: true });
    }
  });
});
