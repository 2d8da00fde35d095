import { beforeEach, describe, expect, it, vi } from "vitest";
import { keyedNode } from "../../support/keyed-node.ts";

const seen = vi.hoisted(() => ({ started: [] as number[], closed: 0 }));

vi.mock("../../../agent/backup/seal-pool.ts", async (original) => {
  const real = await original<typeof import("../../../agent/backup/seal-pool.ts")>();
  return {
    ...real,
    startSealThreads: (count: number) => {
      seen.started.push(count);
      const threads = real.startSealThreads(count);
      return {
        ...threads,
        close: () => {
          seen.closed += 1;
          return threads.close();
        },
      };
    },
  };
});

describe("threads that seal, started before the command is loaded", () => {
  beforeEach(() => {
    seen.started = [];
    seen.closed = 0;
  });

  async function madeNode() {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    node.file("a.key", "mI7dHaRVxNCeoBFqxuTfZ1ycpAOyPT6E\n");
    return node;
  }

  it("are those of the first backup, and end with it", async () => {
    const node = await madeNode();
    await node.json("backup");
    expect(seen.started).toHaveLength(1);
    expect(seen.closed).toBeGreaterThan(0);
    expect(await node.restored()).toBe("content of the node");
  });

  it("are not started where most is known, but where it is to be stored anew", async () => {
    const node = await madeNode();
    await node.json("backup");
    // What is refused comes by no other threads.
    await node.json("pause", "--for", "1h");
    seen.started = [];
    expect((await node.run(["backup"])).code).toBe(18);
    expect(seen.started).toEqual([]);
    expect((await node.run(["backup", "--full"])).code).toBe(18);
    expect(seen.started).toHaveLength(1);
  });

  it("end where the backup is refused, and do not begin where nothing is backed up", async () => {
    const node = await madeNode();
    await node.run(["backup", "--dry-run"]);
    expect(seen.started).toEqual([]);
    await node.json("pause", "--for", "1h");
    expect((await node.run(["backup"])).code).toBe(18);
    expect(seen).toMatchObject({ started: [expect.any(Number)], closed: 1 });
  });
});
