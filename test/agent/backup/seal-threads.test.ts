import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { FileTask } from "../../../agent/backup/seal-messages.ts";
import { startSealThreads } from "../../../agent/backup/seal-pool.ts";
import { tempDir } from "../../support/tmp.ts";

/** A file that is read at once, for which a thread loads what calls libc. */
function task(source: string): FileTask {
  return {
    ...{ source, offset: 0, shown: "file", size: 1 << 20, from: 0, to: 1 << 20, chunk: 1 << 20 },
    ...{ sparse: false, linked: true, secret: false, mtimeNs: null },
  };
}

describe("threads that seal", () => {
  it("end when they are told to, at whatever moment of their start, and take nothing with them", async () => {
    const file = join(tempDir(), "file");
    writeFileSync(file, Buffer.alloc(1 << 20, 1));
    for (let moment = 0; moment < 60; moment += 1.5) {
      const threads = startSealThreads(2);
      for (const worker of threads.workers) worker.postMessage({ type: "files", job: 1, tasks: [task(file)] });
      await Promise.all(threads.workers.map((worker) => once(worker, "online")));
      const since = performance.now();
      while (performance.now() - since < moment) await turn();
      await threads.close();
      await threads.close();
      expect(threads.workers.map(({ threadId }) => threadId)).toEqual([-1, -1]);
    }
  });

  it("end at once also while they wait for their pace", async () => {
    const file = join(tempDir(), "file");
    writeFileSync(file, Buffer.alloc(1 << 20, 1));
    const threads = startSealThreads(1);
    // A byte a second: a chunk's turn comes in twelve days.
    threads.keep({ read: 1 });
    for (const worker of threads.workers) worker.postMessage({ type: "files", job: 1, tasks: [task(file)] });
    await threads.close();
    expect(threads.workers.map(({ threadId }) => threadId)).toEqual([-1]);
  });

  it("are as many as a run still needs, and the others' end is no failure", async () => {
    const threads = startSealThreads(3);
    const [first, ...spare] = threads.workers;
    const gone = Promise.all(spare.map((worker) => once(worker, "exit")));
    threads.keepFirst(1);
    expect(threads.workers).toEqual([first]);
    await gone;
    expect(threads.died()).toBeNull();
    await threads.close();
    expect(first?.threadId).toBe(-1);
  });

  it("share the pace of all among those that are left", async () => {
    const threads = startSealThreads(2);
    const told: unknown[] = [];
    const [first] = threads.workers;
    if (first === undefined) throw new Error("no thread");
    const post = first.postMessage.bind(first);
    first.postMessage = (message: unknown) => {
      told.push(message);
      post(message);
    };
    threads.keep({ read: 100, cores: 1 });
    threads.keepFirst(1);
    threads.keepFirst(1);
    await threads.close();
    expect(told).toEqual([
      { type: "pace", pace: { read: 50, share: 0.5 } },
      { type: "pace", pace: { read: 100, share: 1 } },
      { type: "end" },
    ]);
  });
});
