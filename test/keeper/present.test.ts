import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type PresentedObject, presentSnapshot } from "../../keeper/index.ts";
import { type Card, sumOf } from "../../vault/card/index.ts";
import { isColdkeepError, names, type SnapshotId } from "../../vault/names/index.ts";
import { openStore } from "../../vault/store/index.ts";
import { type CardWorld, cardWorld, putObject, usesOf } from "../support/cards.ts";
import { tempDir } from "../support/tmp.ts";

const idOf = (card: Card) => card.core.snapshot;
const sign = (name: string) => `https://vault.example/${name}?signed`;

async function pages(world: CardWorld, snapshot: SnapshotId, limit: number) {
  const { store, node } = world;
  const found: PresentedObject[][] = [];
  let cursor: string | undefined;
  do {
    const page = await presentSnapshot({ store, node, snapshot, sign, limit, ...(cursor ? { cursor } : {}) });
    found.push([...page.objects]);
    cursor = page.next;
  } while (cursor !== undefined);
  return found;
}

describe("presenting a snapshot", () => {
  it("gives keys, manifest and packs once each, page by page, with what the card vouches for", async () => {
    const world = await cardWorld();
    const first = await world.snapshot({ packs: 3 });
    const second = await world.snapshot({ parent: idOf(first), inherited: usesOf(first) });
    const whole = (await pages(world, idOf(second), 500)).flat();
    expect(whole.map(({ name }) => name)).toEqual([
      names.keyJson(world.node, idOf(second)),
      names.keyJson(world.node, idOf(first)),
      names.manifest(world.node, idOf(second)),
      ...[0, 1, 2].map((i) => names.pack(world.node, idOf(first), i)),
      ...[0, 1].map((i) => names.pack(world.node, idOf(second), i)),
    ]);
    for (const { name, url, ...sum } of whole) {
      expect(url).toBe(sign(name));
      if (!name.endsWith("key.json"))
        expect(sum).toEqual(sumOf(world.store.objects.get(name)?.bytes ?? new Uint8Array(0)));
    }
    for (const limit of [1, 3, 7, 8]) {
      const cut = await pages(world, idOf(second), limit);
      expect(cut.flat()).toEqual(whole);
      expect(cut.every((page) => page.length <= limit)).toBe(true);
      expect(cut).toHaveLength(Math.ceil(8 / limit));
    }
  });

  it("never gives more than 500 a page", async () => {
    const world = await cardWorld();
    const card = await world.snapshot({ packs: 600 });
    const cut = await pages(world, idOf(card), 10_000);
    expect(cut.map((page) => page.length)).toEqual([500, 102]);
  });

  it("refuses another snapshot's cursor, and snapshots that are none", async () => {
    const world = await cardWorld();
    const { store, node } = world;
    const a = await world.snapshot();
    const b = await world.snapshot();
    const { next = "" } = await presentSnapshot({ store, node, snapshot: idOf(a), sign, limit: 1 });
    for (const cursor of [next, "", "x", `${next}0000000000`, "../.."]) {
      const page = presentSnapshot({ store, node, snapshot: idOf(b), sign, cursor });
      await expect(page, cursor).rejects.toSatisfy((e) => isColdkeepError(e, "usage"));
    }
    const { id } = await world.deadRun();
    await expect(presentSnapshot({ store, node, snapshot: id, sign })).rejects.toSatisfy((e) =>
      isColdkeepError(e, "not-found"),
    );
  });

  it("fails where a pack is named by no list, rather than present half a snapshot", async () => {
    const world = await cardWorld();
    const card = await world.snapshot({
      change: (c) => ({ ...c, origins: [{ snapshot: c.snapshot, ranges: [[0, 2]] }] }),
    });
    const page = presentSnapshot({ store: world.store, node: world.node, snapshot: idOf(card), sign });
    await expect(page).rejects.toSatisfy((e) => isColdkeepError(e, "integrity"));
  });

  it("gives file URLs for a directory vault, which lead to the very objects", async () => {
    const world = await cardWorld();
    const card = await world.snapshot();
    const store = await openStore(tempDir("vault"));
    for (const [name, { bytes }] of world.store.objects) await putObject(store, name, bytes);
    const page = await presentSnapshot({
      store,
      node: world.node,
      snapshot: idOf(card),
      sign: (name) => `${store.url}/${name}`,
    });
    for (const { url, name } of page.objects) {
      expect(readFileSync(fileURLToPath(url))).toEqual(Buffer.from(world.store.objects.get(name)?.bytes ?? []));
    }
  });
});
