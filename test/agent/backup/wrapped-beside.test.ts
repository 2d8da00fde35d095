import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type BackupOptions, type Freeze, runBackup } from "../../../agent/backup/index.ts";
import { backupHost, NODE } from "../../support/backup-host.ts";
import { fakeFreeze } from "../../support/frozen-tree.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { tempDir } from "../../support/tmp.ts";

const NEVER_CHANGES = { isImmutable: () => true };

/** A host with a good snapshot, whose software key takes long to stretch: until `gate` opens. Tells what happened when. */
async function slowHost(gate: Promise<void>) {
  const order: string[] = [];
  const store = memoryStore();
  const host = backupHost(tempDir(), {
    ...store,
    create: async (name, body) => {
      order.push(name.split("/").slice(name.endsWith(".json") ? -2 : -1)[0] ?? "");
      return store.create(name, body);
    },
  });
  writeFileSync(join(host.root, "CURRENT"), "MANIFEST-000001\n");
  await host.confirm((await host.backup(NEVER_CHANGES)).snapshot);
  order.length = 0;
  const slow = {
    ...host.keys,
    prepare: () => {},
    wrap: async (...o: Parameters<typeof host.keys.wrap>) => {
      await gate;
      order.push("wrapped");
      return host.keys.wrap(...o);
    },
    forget: () => order.push("forgotten"),
  };
  const run = (changes: Partial<BackupOptions>, captured = () => {}) => {
    const fake = fakeFreeze(NEVER_CHANGES);
    const freeze: Freeze = async (o) => {
      const prepared = await fake(o);
      return {
        ...prepared,
        capture: async (known) => {
          order.push("captured");
          captured();
          return prepared.capture(known);
        },
      };
    };
    return runBackup(host.options({ recipients: [slow], ...changes }), freeze);
  };
  const head = (id: string) => JSON.parse(readFileSync(join(host.stateDir, NODE, "runs", id, "run.json"), "utf8"));
  return { host, order, run, head };
}

describe("while a software key is being stretched", () => {
  it("the tree is captured where nobody stops the node, and nothing but the begin is put", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { host, order, run, head } = await slowHost(promise);
    const done = await run({}, resolve);
    expect(order.slice(0, 2)).toEqual(["begins", "captured"]);
    expect(order.indexOf("wrapped")).toBeLessThan(order.indexOf(done.snapshot));
    expect(order.indexOf("forgotten")).toBeGreaterThan(order.indexOf("wrapped"));
    expect((await host.read(done.snapshot)).entries).toHaveLength(2);
    // There is no pack that somebody else could take over.
    expect(done.figures.packs).toBe(0);
    expect(head(done.snapshot).recipients).toBeUndefined();
  });

  it("what is new waits for it, and the run tells who can open its packs before there is one", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { host, order, run, head } = await slowHost(promise);
    writeFileSync(join(host.root, "new"), "something new");
    const done = await run({}, resolve);
    expect(order.indexOf("00000.pack")).toBeGreaterThan(order.indexOf("wrapped"));
    expect(order.indexOf("00000.pack")).toBeGreaterThan(order.indexOf(done.snapshot));
    expect(head(done.snapshot).recipients).toHaveLength(1);
    expect((await host.read(done.snapshot)).entries).toHaveLength(3);
  });

  it("a node that is stopped for the backup still runs", async () => {
    const { host, order, run, head } = await slowHost(Promise.resolve());
    const { control } = host.options();
    const done = await run({ control: { ...control, manager: { ...control.manager, controls: true } } });
    expect(order.filter((step) => step !== "forgotten").slice(0, 3)).toEqual(["wrapped", "begins", "captured"]);
    expect(head(done.snapshot).recipients).toHaveLength(1);
  });

  it("a run whose key cannot be stretched fails, and leaves no snapshot", async () => {
    const gate = Promise.reject(new Error("no memory to stretch in"));
    gate.catch(() => {});
    const { order, run } = await slowHost(gate);
    await expect(run({})).rejects.toThrow("no memory to stretch in");
    expect(order).not.toContain("snapshots");
  });
});
