import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runBackup } from "../../../agent/backup/index.ts";
import { paceOfEach, planThreads } from "../../../agent/backup/pace.ts";
import { makeManager } from "../../../agent/node/index.ts";
import type { NodeControl } from "../../../agent/node/types.ts";
import { captureSetOf } from "../../../agent/profiles/index.ts";
import type { Store } from "../../../vault/store/facets.ts";
import { backupHost, NODE } from "../../support/backup-host.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { tempDir } from "../../support/tmp.ts";
import { partBytes } from "../../support/trees.ts";

const MIB = 1 << 20;

/** nice(1) and the I/O class of whoever runs this; `which` as ionice(1) takes it. */
const standing = (which: string) => `nice; ionice ${which}`;

/** A node that is a flag; its start writes down which priority a process of it has. */
function flagNode(home: string): NodeControl & { readonly started: () => string } {
  const flag = join(home, "runs");
  const told = join(home, "started");
  writeFileSync(flag, "");
  const start = `{ ${standing("")}; } > '${told}'; touch '${flag}'`;
  const service = { manager: "command", stop: `rm -f '${flag}'`, start, isRunning: `test -e '${flag}'` } as const;
  return {
    name: NODE,
    manager: makeManager(service),
    probe: null,
    limits: { stopMs: 5000, startMs: 5000, onStopTimeout: "fail" },
    started: () => readFileSync(told, "utf8"),
  };
}

/** Tells of each object of the run's own folder before it is put. */
function watched(onPut: (bytes: number) => void): Store {
  const store = memoryStore();
  return {
    ...store,
    create: (name, body) => {
      if (name.includes("/data/")) onPut(body.bytes.length);
      return store.create(name, body);
    },
  };
}

/** The threads of this process, by their nice value. */
function threads(): ReadonlyMap<string, number> {
  const nice = (tid: string) => {
    const stat = readFileSync(`/proc/self/task/${tid}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
  };
  return new Map(readdirSync("/proc/self/task").map((tid) => [tid, nice(tid)]));
}

const profile = captureSetOf("leveldb", {});

describe("what a backup leaves to others", () => {
  it("is a part for each thread, which together are the whole", () => {
    expect(planThreads(undefined, 4, {})).toEqual({ workers: 4, pace: null });
    expect(planThreads(undefined, 4, { upload: 1 })).toEqual({ workers: 4, pace: null });
    expect(planThreads(undefined, 4, { read: 100 })).toEqual({ workers: 4, pace: { read: 100 } });
    expect(planThreads(undefined, 4, { cpu: { cores: 1 } })).toEqual({ workers: 1, pace: { cores: 1 } });
    expect(planThreads(undefined, 4, { cpu: { cores: 0.5 } })).toEqual({ workers: 1, pace: { cores: 0.5 } });
    expect(planThreads(undefined, 4, { cpu: { cores: 1.5 }, read: 100 })).toEqual({
      workers: 2,
      pace: { read: 100, cores: 1.5 },
    });
    expect(paceOfEach({ read: 100, cores: 1.5 }, 2)).toEqual({ read: 50, share: 0.75 });
    expect(paceOfEach({ read: 100, cores: 1.5 }, 1)).toEqual({ read: 100, share: 1 });
    expect(paceOfEach({ cores: 0.5 }, 1)).toEqual({ share: 0.5 });
    expect(planThreads(undefined, 2, { cpu: { share: 0.5 } })).toEqual({ workers: 1, pace: { cores: 1 } });
    expect(planThreads(undefined, 2, { cpu: { cores: 64 } })).toEqual({ workers: 2, pace: { cores: 64 } });
  });

  it("paces what is put, from the moment the node runs again", async () => {
    const began = 5_000;
    let now = began;
    let put = 0;
    let waits = 0;
    const rate = MIB / 4;
    const store = watched((bytes) => {
      put += bytes;
      expect(put).toBeLessThanOrEqual((rate * (now - began)) / 1000 + rate);
    });
    const home = tempDir();
    const host = backupHost(home, store);
    writeFileSync(join(host.root, "000001.ldb"), partBytes({ seed: 1, length: 4 * MIB }));
    writeFileSync(join(host.root, "CURRENT"), "MANIFEST-000001\n");
    const node = flagNode(home);
    const wait = async (ms: number) => {
      expect(node.started()).not.toBe("");
      waits += 1;
      now += ms;
    };
    const paced = { profile, control: node, monotonic: () => now, wait, pace: { upload: rate } };
    await runBackup(host.options(paced));
    expect(put).toBeGreaterThan(2 * rate);
    expect(now - began).toBeGreaterThanOrEqual(((put - rate) / rate) * 1000);
    expect(waits).toBeGreaterThan(0);

    // Where others start the node it may wait for the end of this run.
    waits = 0;
    const { control } = host.options();
    put = Number.NEGATIVE_INFINITY;
    await runBackup(host.options({ ...paced, control, full: true }));
    expect(waits).toBe(0);
  });

  it("puts the threads that seal behind all others, and neither the node nor any other command", async () => {
    const own = getPriority();
    expect(own, "run this test at a better priority than nice 19").toBeLessThan(19);
    const before = execFileSync("/bin/sh", ["-c", standing("")], { encoding: "utf8" });
    const seen = new Map<string, string>();
    let command = "";
    const store = watched((bytes) => {
      if (bytes < MIB / 16) return;
      for (const [tid, nice] of threads())
        if (nice === 19) seen.set(tid, execFileSync("ionice", ["-p", tid], { encoding: "utf8" }).trim());
      command = execFileSync("/bin/sh", ["-c", standing("")], { encoding: "utf8" });
    });
    const home = tempDir();
    const host = backupHost(home, store);
    writeFileSync(join(host.root, "000001.ldb"), partBytes({ seed: 3, length: 4 * MIB }));
    writeFileSync(join(host.root, "CURRENT"), "MANIFEST-000001\n");
    const node = flagNode(home);
    const done = await runBackup(
      host.options({ profile, control: node, pace: { cpu: { cores: 0.5 }, read: 64 * MIB } }),
    );
    expect([...seen.values()]).toEqual(["best-effort: prio 7"]);
    expect(node.started()).toBe(before);
    expect(command).toBe(before);
    expect(getPriority()).toBe(own);
    // What is read by the thread itself is what was there.
    const { entries } = await host.read(done.snapshot);
    const table = entries.find(
      (entry) => entry.type === "file" && Buffer.from(entry.path).toString().endsWith("000001.ldb"),
    );
    expect(table).toMatchObject({ type: "file" });
    if (table?.type === "file") {
      expect(Buffer.compare(table.content, partBytes({ seed: 3, length: 4 * MIB }))).toBe(0);
    }
    rmSync(home, { recursive: true });
  });
});
