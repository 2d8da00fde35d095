import { execFileSync } from "node:child_process";
import { appendFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rebuildIndex } from "../../../keeper/index.ts";
import { ColdkeepError, names, type SnapshotId } from "../../../vault/names/index.ts";
import type { Store } from "../../../vault/store/facets.ts";
import { retrying } from "../../../vault/store/retrying.ts";
import { backupHost, NODE, VAULT } from "../../support/backup-host.ts";
import { type Fault, type FaultyCall, faultyStore } from "../../support/faulty-store.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { tempDir } from "../../support/tmp.ts";
import { partBytes } from "../../support/trees.ts";

const isImmutable = (path: string) => path.endsWith(".ldb");
const MIB = 1 << 20;

/** A small host whose store fails as `plan` says once it is armed. */
function faultyHost(plan: (call: FaultyCall) => Fault | null) {
  const memory = memoryStore(() => Date.UTC(2026, 0, 15));
  let armed = true;
  const store = faultyStore(memory, (call) => (armed ? plan(call) : null));
  const host = backupHost(tempDir(), store);
  writeFileSync(join(host.root, "1.ldb"), partBytes({ seed: 1, length: MIB + 1 }));
  writeFileSync(join(host.root, "CURRENT"), "MANIFEST-000001\n");
  const disarm = () => {
    armed = false;
  };
  return { ...host, memory, disarm };
}

const isCreateOf = (part: string) => (call: FaultyCall) => call.call === "create" && call.name.includes(part);
const once = (match: (call: FaultyCall) => boolean, fault: Fault) => {
  let done = false;
  return (call: FaultyCall) => {
    if (done || !match(call)) return null;
    done = true;
    return fault;
  };
};
/** Waiting takes no time, but moves the clock by which patience ends. */
function noWait() {
  let now = 0;
  const wait = async () => {
    now += 10_000;
  };
  return { clock: { monotonic: () => now }, wait };
}
const committed = (memory: { objects: Map<string, { bytes: Uint8Array }> }) =>
  [...memory.objects].filter(
    ([name, o]) => name.endsWith(".card.json") && Buffer.from(o.bytes).toString().includes('"core"'),
  );

/** What the keeper makes of the vault: state and remarks, newest first. */
async function statesOf(store: Store): Promise<[string, string][]> {
  const { index } = await rebuildIndex({ store, vault: VAULT, node: NODE });
  return index.snapshots.map(({ state, remarks }) => [state, remarks.join()]);
}

async function failure(run: Promise<unknown>): Promise<ColdkeepError> {
  const error: unknown = await run.then(
    () => new Error("it succeeded"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ColdkeepError) return error;
  throw error;
}

describe("a vault that fails", () => {
  const OBJECTS = [
    "node.json",
    "begins/",
    "key.json",
    "00000.pack",
    "00001.pack",
    "packs-0000.json",
    "manifest",
    "card.json",
  ];

  it.each(OBJECTS)("once before and once after it took %s is asked again, and the snapshot is whole", async (part) => {
    for (const fault of ["fails-before", "fails-after"] as const) {
      const host = faultyHost(once(isCreateOf(part), fault));
      const done = await host.backup({ isImmutable }, { store: retrying(host.store, noWait()) });
      expect((await host.read(done.snapshot)).entries).toHaveLength(3);
    }
  });

  it.each(OBJECTS)("at the end of the process around %s shows nothing, and the next run completes", async (part) => {
    for (const fault of ["crashes-before", "crashes-after"] as const) {
      const host = faultyHost(once(isCreateOf(part), fault));
      await expect(host.backup({ isImmutable })).rejects.toThrow(fault);
      expect(committed(host.memory)).toHaveLength(part === "card.json" && fault === "crashes-after" ? 1 : 0);
      // The next process has a store that works.
      const next = await restarted(host).backup({ isImmutable });
      expect((await restarted(host).read(next.snapshot)).entries).toHaveLength(3);
      const states = await statesOf(host.memory);
      expect(states).toEqual(committed(host.memory).map(() => ["good", ""]));
    }
  });

  it("by a full disk ends the run with that, and the next run takes over what was received", async () => {
    const full = faultyHost((call) => (isCreateOf("00001.pack")(call) ? "no-space" : null));
    expect((await failure(full.backup({ isImmutable }))).kind).toBe("no-space");
    expect(committed(full.memory)).toHaveLength(0);
    full.disarm();
    const next = await full.backup({ isImmutable });
    expect(next.card.core.bytes.added).toBe(0);
    expect((await full.read(next.snapshot)).entries).toHaveLength(3);
  });

  it("to say whether it took the card ends as outcome-unknown, never as success", async () => {
    for (const fault of ["fails-before", "fails-after"] as const) {
      const host = faultyHost((call) => (isCreateOf(".card.json")(call) ? fault : null));
      const error = await failure(host.backup({ isImmutable }, { store: retrying(host.store, noWait()) }));
      expect(error.kind).toBe("outcome-unknown");
      expect(error.message).toContain("coldkeep list");
      // Either way the next run finds out: a card that did not arrive is closed, one that did stands.
      host.disarm();
      const next = await host.backup({ isImmutable });
      expect(next.card.core.bytes.added === 0).toBe(fault === "fails-before");
      expect(committed(host.memory)).toHaveLength(fault === "fails-before" ? 1 : 2);
    }
  });

  it("by lying about a pack is found out by the keeper, and no later run builds on it", async () => {
    const host = faultyHost(once(isCreateOf("00000.pack"), "lies"));
    const done = await host.backup({ isImmutable });
    const [[state, remarks] = []] = await statesOf(host.memory);
    expect(state).toBe("broken");
    expect(remarks).toContain("00000.pack");
    const next = await host.backup({ isImmutable });
    expect(next.parent).toBeNull();
    expect(next.card.core.origins.map((o) => o.snapshot)).not.toContain(done.snapshot);
  });

  it("to let the host read head.json costs a full backup, nothing else", async () => {
    const host = faultyHost((call) => (call.call === "get" && call.name.endsWith("head.json") ? "permission" : null));
    host.disarm();
    await host.confirm((await host.backup({ isImmutable })).snapshot);
    const strict = restarted(
      host,
      faultyStore(host.memory, (call) => (call.name.endsWith("head.json") ? "permission" : null)),
    );
    expect((await strict.backup({ isImmutable })).parent).toBeNull();
  });

  it("by holding another's bytes under a name of the run ends it, for nobody else may write there", async () => {
    const memory = memoryStore(() => Date.UTC(2026, 0, 15));
    const host = backupHost(tempDir(), {
      ...memory,
      create: async (name, body) => {
        if (name.endsWith("00000.pack")) memory.plant(name, Buffer.from("foreign"));
        return memory.create(name, body);
      },
    });
    const error = await failure(host.backup());
    expect(error.kind).toBe("refused");
    expect(error.message).toContain("00000.pack");
    expect(committed(memory)).toHaveLength(0);
  });

  it("by holding the begin already makes the run choose another id", async () => {
    const memory = memoryStore(() => Date.UTC(2026, 0, 15));
    let first = "";
    const host = backupHost(tempDir(), {
      ...memory,
      create: async (name, body) => {
        if (name.includes("/begins/") && first === "") {
          first = name;
          memory.plant(name, Buffer.from("taken"));
        }
        return memory.create(name, body);
      },
    });
    const done = await host.backup();
    expect(names.begin(NODE, done.snapshot)).not.toBe(first);
    expect(host.state.runs.list()).toEqual([done.snapshot]);
  });
});

/** The same host after a restart: same state, tree and keys, and a store that works unless told. */
function restarted(host: ReturnType<typeof faultyHost>, store: Store = host.memory) {
  return backupHost(join(host.stateDir, "../.."), store, "host", host.keys);
}

describe("a frozen tree that is touched", () => {
  it.each([
    ["a file vanishes", (root: string) => rmSync(join(root, "1.ldb")), "it is gone"],
    ["a file is cut short", (root: string) => truncateSync(join(root, "CURRENT"), 3), "it ends at byte 3"],
    ["an immutable file grows", (root: string) => appendFileSync(join(root, "1.ldb"), "x"), "classed as immutable"],
  ])("while it is read (%s) fails the run, names the file, and shows nothing", async (_what, touch, words) => {
    const host = faultyHost(() => null);
    const entries: string[] = [];
    // The tree is walked and measured before its files are read: what is listed may change after that.
    const onEntry = (path: string) => {
      entries.push(path);
      if (entries.length === 2) touch(host.root);
    };
    const error = await failure(host.backup({ isImmutable, onEntry }));
    expect(error.kind).toBe("integrity");
    expect(error.message).toContain(words);
    expect(error.message).toMatch(/data\/(1\.ldb|CURRENT)/);
    expect(committed(host.memory)).toHaveLength(0);
  });
});

describe("a run", () => {
  it("that is aborted ends as interrupted, releases the frozen tree and can be run again at once", async () => {
    const stop = new AbortController();
    const host = faultyHost((call) => {
      if (isCreateOf("00000.pack")(call)) stop.abort();
      return null;
    });
    let released = 0;
    const onRelease = () => {
      released += 1;
    };
    const error = await failure(host.backup({ isImmutable, onRelease }, { signal: stop.signal }));
    expect(error.kind).toBe("interrupted");
    expect(released).toBe(1);
    expect(committed(host.memory)).toHaveLength(0);
    expect((await host.backup({ isImmutable })).card.core.seq).toBe(2);
  });

  it("cannot be started while another of the node is active", async () => {
    const host = faultyHost(() => null);
    const others: Promise<ColdkeepError>[] = [];
    const onCapture = () => others.push(failure(host.backup()));
    await host.backup({ onCapture });
    expect((await Promise.all(others)).map((error) => error.kind)).toEqual(["busy"]);
  });

  it("on top of a parent that lasts over three days commits nothing; a base may last", async () => {
    const host = faultyHost(() => null);
    let day = 0;
    const monotonic = () => day * 24 * 3_600_000;
    const onCapture = () => {
      day += 4;
    };
    const base = await host.backup({ isImmutable, onCapture }, { monotonic });
    await host.confirm(base.snapshot);
    const error = await failure(host.backup({ isImmutable, onCapture }, { monotonic }));
    expect(error.kind).toBe("vault");
    expect(error.message).toContain("72");
    expect(committed(host.memory)).toHaveLength(1);
  });

  it("whose machine slept in the middle of the last call, for longer than the vault allows, is no success", async () => {
    let day = 0;
    let sleeps = false;
    const host = faultyHost((call) => {
      if (sleeps && call.call === "create" && call.name.endsWith(".card.json")) day += 4;
      return null;
    });
    const monotonic = () => day * 24 * 3_600_000;
    const base = await host.backup({ isImmutable }, { monotonic });
    await host.confirm(base.snapshot);
    sleeps = true;
    expect((await failure(host.backup({ isImmutable }, { monotonic }))).message).toContain("72");
    expect(committed(host.memory)).toHaveLength(2);
  });

  it("that cannot put its begin within a minute of reading head.json reads it again", async () => {
    let minutes = 0;
    let reads = 0;
    const host = faultyHost((call) => {
      if (call.call === "get" && call.name.endsWith("head.json")) {
        reads += 1;
        if (reads === 1) minutes += 2;
      }
      return null;
    });
    await host.backup({}, { monotonic: () => minutes * 60_000 });
    expect(reads).toBe(2);
    expect(host.state.runs.list()).toHaveLength(1);
  });

  it("whose key cannot be wrapped never stops the node", async () => {
    const host = faultyHost(() => null);
    let captured = false;
    const bad = { type: "bad", wrap: async () => Promise.reject(new ColdkeepError("key", { what: "no such key" })) };
    const onCapture = () => {
      captured = true;
    };
    expect((await failure(host.backup({ onCapture }, { recipients: [bad] }))).kind).toBe("key");
    expect(captured).toBe(false);
    expect([...host.memory.objects.keys()]).toEqual([]);
  });

  it.each([
    [4, true],
    [6, false],
  ])("that died %i days ago is taken over only while the vault surely knows of it", async (days, taken) => {
    const host = faultyHost((call) => (isCreateOf("/manifest")(call) ? "permission" : null));
    await failure(host.backup());
    host.disarm();
    const now = Date.UTC(2026, 0, 15) + days * 86_400_000;
    const { card, snapshot } = await host.backup({}, { now: () => now });
    expect(card.core.origins.some((origin) => origin.snapshot !== snapshot)).toBe(taken);
  });

  it("is taken over by one of two hosts that were cloned from one, never by both", async () => {
    const host = faultyHost((call) => (isCreateOf("00001.pack")(call) ? "no-space" : null));
    await failure(host.backup({ isImmutable }));
    const dir = join(host.stateDir, "../..");
    execFileSync("cp", ["-a", join(dir, "host"), join(dir, "clone")]);
    const one = await restarted(host).backup({ isImmutable });
    const clone = backupHost(dir, host.memory, "clone", host.keys);
    const two = await clone.backup({ isImmutable });
    expect([one.card.core.bytes.added, two.card.core.bytes.added]).toEqual([0, MIB + 17]);
    expect((await clone.read(two.snapshot)).entries).toHaveLength(3);
    expect((await statesOf(host.memory)).map(([state]) => state)).toEqual(["good", "good"]);
  });

  it("forgets the long lists of runs that were cut off, and keeps what they put", async () => {
    const host = faultyHost((call) => (isCreateOf("00001.pack")(call) ? "no-space" : null));
    await failure(host.backup({ isImmutable }));
    const folder = host.state.runs.folder(host.state.runs.list()[0] as SnapshotId);
    expect(readdirSync(folder).sort()).toEqual(["chunks.sent", "entries", "journal", "run.json"]);
    host.disarm();
    await host.backup({ isImmutable }, { full: true });
    expect(readdirSync(folder).sort()).toEqual(["chunks.sent", "journal", "run.json"]);
  });

  it("of a host that does not own the node's name is refused before anything is stopped", async () => {
    const memory = memoryStore(() => Date.UTC(2026, 0, 15));
    const [one, two] = [backupHost(tempDir(), memory, "one"), backupHost(tempDir(), memory, "two")];
    await one.backup();
    const error = await failure(two.backup({ onCapture: () => expect.unreachable() }));
    expect(error.kind).toBe("refused");
    expect(error.message).toContain("another host claims");
  });
});
