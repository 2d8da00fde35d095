import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { describe, expect, it } from "vitest";
import { prepareFreeze } from "../../../agent/freeze/index.ts";
import type { FrozenTree } from "../../../agent/freeze/types.ts";
import { controlOf, entriesOf, freezeOptions, frozenBytes, makeHome, pathOf, puppet } from "../../support/freezing.ts";

const OPTIONS = { writeBufferSize: 64 << 10, maxFileSize: 64 << 10, compression: false };
type Database = ClassicLevel<string, string>;

async function open(folder: string): Promise<Database> {
  const database: Database = new ClassicLevel(folder, OPTIONS);
  await database.open();
  return database;
}

/** Writes keys in a wild order, so that tables are compacted all the time. */
async function commit(database: Database, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 100) {
    const numbers = Array.from({ length: 100 }, (_, i) => at + i);
    await database.batch(
      numbers.map((n) => ({ type: "put", key: `key ${(n * 7919) % 2003}`, value: `${n} ${"x".repeat(300)}` })),
    );
  }
}

async function contentOf(database: Database): Promise<Map<string, string>> {
  return new Map(await database.iterator().all());
}

/** Lays the frozen files out as they were, and reads them with LevelDB. */
async function readBack(tree: FrozenTree, to: string): Promise<Map<string, string>> {
  for (const entry of await entriesOf(tree)) {
    const path = join(to, pathOf(entry));
    if (entry.type === "directory") mkdirSync(path, { recursive: true });
    else writeFileSync(path, frozenBytes(entry));
  }
  const database = await open(join(to, "data"));
  const content = await contentOf(database);
  await database.close();
  return content;
}

describe("a LevelDB", () => {
  it("that was frozen and goes on writing can be read from the frozen tree as it was at the stop", async () => {
    const { home, data } = makeHome();
    let database = await open(data);
    await commit(database, 0, 6000);
    // A first restart gives the tables a log that is younger than they are.
    await database.close();
    database = await open(data);
    await commit(database, 6000, 7000);

    let expected = new Map<string, string>();
    const node = puppet({
      async onStop() {
        expected = await contentOf(database);
        await database.close();
      },
      async onStart() {
        database = await open(data);
        await commit(database, 9000, 14_000);
        await database.compactRange("key 0", "key 999");
      },
    });
    const prepared = await prepareFreeze(freezeOptions(home, { profile: "leveldb", control: controlOf(node.manager) }));
    expect(prepared.prelinked).toBeGreaterThan(0);
    // The node goes on between preparation and stop.
    await commit(database, 7000, 9000);
    // LevelDB in our own process holds its lock: the proof ignores ourselves.
    const tree = await prepared.capture();
    expect(tree.figures.linked).toBeGreaterThan(0);
    const frozen = (await entriesOf(tree)).map(pathOf);
    const gone = frozen.filter((path) => path.endsWith(".ldb") && !existsSync(join(home, path)));
    expect(gone.length, "the node should have removed tables meanwhile").toBeGreaterThan(0);
    expect(await readBack(tree, join(home, "restored"))).toEqual(expected);
    expect(readdirSync(data)).toContain("LOCK");
    await database.close();
    await tree.release();
  });

  it("reads back from the frozen tree whatever the restarted node does to the files that are its own", async () => {
    const { home, data } = makeHome();
    let database = await open(data);
    await commit(database, 0, 3000);
    const expected = await contentOf(database);
    const node = puppet({
      onStop: () => database.close(),
      onStart() {
        for (const name of readdirSync(data)) {
          if (!name.endsWith(".ldb")) writeFileSync(join(data, name), "");
        }
      },
    });
    const prepared = await prepareFreeze(freezeOptions(home, { profile: "leveldb", control: controlOf(node.manager) }));
    const tree = await prepared.capture();
    expect(await readBack(tree, join(home, "restored"))).toEqual(expected);
    await tree.release();
    database = await open(join(home, "restored/data"));
    await database.close();
  });
});
