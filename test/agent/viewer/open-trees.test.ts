import { expect, it } from "vitest";
import { makeOpenTrees } from "../../../agent/viewer/open-trees.ts";
import type { Library, Opened } from "../../../agent/viewer/types.ts";
import { toNodeName, toSnapshotId } from "../../../vault/names/index.ts";

const node = toNodeName("demo");
const id = (n: number) => toSnapshotId(`20260115T00000${n}Z-bh1-0123456789abcdef`);

function library({ failures = 0 } = {}) {
  const calls: string[] = [];
  const one: Library = {
    vault: "",
    nodes: [node],
    async *snapshots() {},
    open: async (_, snapshot) => {
      calls.push(snapshot.slice(14, 15));
      if (calls.length <= failures) throw new Error("not yet");
      return { tree: {}, origin: snapshot } as unknown as Opened;
    },
    forget: () => void calls.push("forgot"),
  };
  return { one, calls };
}

it("snapshots are opened once while they are looked into, two at most; what did not open is tried again", async () => {
  const { one, calls } = library({ failures: 1 });
  const trees = makeOpenTrees(one, 60_000, () => {});
  const look = (n: number) => trees.with(node, id(n), async ({ origin }) => origin);
  await expect(look(1)).rejects.toThrow("not yet");
  for (const n of [1, 1, 2, 1, 2, 3, 2, 1]) expect(await look(n)).toBe(id(n));
  expect(calls).toEqual(["1", "1", "2", "3", "1"]);
  trees.close();
  expect(calls.at(-1)).toBe("forgot");
});

it("what was not used for a while is forgotten, with the keys; not while it is used", async () => {
  const { one, calls } = library();
  let told: () => void = () => {};
  const forgotten = new Promise<void>((done) => {
    told = done;
  });
  const trees = makeOpenTrees(one, 1, told);
  await trees.with(node, id(1), async () => {
    await trees.with(node, id(1), async () => {});
    // Longer than it takes where nobody uses it.
    await new Promise((done) => setTimeout(done, 20));
    expect(calls).toEqual(["1"]);
  });
  await forgotten;
  expect(calls).toEqual(["1", "forgot"]);
  await trees.with(node, id(1), async () => {});
  expect(calls.slice(0, 3), "opened anew").toEqual(["1", "forgot", "1"]);
  trees.close();
});

it("keys are forgotten where nobody comes at all", async () => {
  const { one, calls } = library();
  await new Promise<void>((done) => makeOpenTrees(one, 1, done));
  expect(calls).toEqual(["forgot"]);
});
