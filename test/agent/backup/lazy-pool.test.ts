import { describe, expect, it } from "vitest";
import { makeLazyPool, makeThreadSource } from "../../../agent/backup/lazy-pool.ts";
import { type SealPool, startSealThreads } from "../../../agent/backup/seal-pool.ts";

function recorded() {
  const calls: string[] = [];
  const result = { pieces: new Float64Array(), figures: { read: 0, known: 0, added: 0 } };
  const done = (call: string) => {
    calls.push(call);
    return result;
  };
  const pool: SealPool = {
    files: async () => done("files"),
    copies: async () => done("copies"),
    segment: async () => done("segment"),
    room: async () => void calls.push("room"),
    flush: async () => void calls.push("flush"),
    keepOne: () => void calls.push("keepOne"),
    fail: () => void calls.push("fail"),
    close: async () => void calls.push("close"),
  };
  const lazy = makeLazyPool(async () => {
    calls.push("make");
    return pool;
  });
  return { calls, lazy };
}

describe("a pool that is made when it is needed", () => {
  it("is not made for a run that finds nothing new", async () => {
    const { calls, lazy } = recorded();
    await lazy.flush();
    lazy.keepOne();
    await lazy.close();
    expect(calls).toEqual([]);
  });

  it("is made once, by the first job", async () => {
    const { calls, lazy } = recorded();
    await lazy.room();
    await lazy.files([], false);
    await lazy.segment(new Uint8Array());
    await lazy.flush();
    lazy.keepOne();
    lazy.fail(new Error("late"));
    await lazy.close();
    expect(calls).toEqual(["make", "room", "files", "segment", "flush", "keepOne", "fail", "close"]);
  });

  it("fails with what ended the run before it was made, and is not made then", async () => {
    const { calls, lazy } = recorded();
    lazy.fail(new Error("interrupted"));
    await expect(lazy.files([], false)).rejects.toThrow("interrupted");
    await expect(lazy.flush()).rejects.toThrow("interrupted");
    expect(calls).toEqual([]);
  });
});

describe("threads that are started when they are needed", () => {
  it("are the same for all who ask, and end with the run", async () => {
    const source = makeThreadSource(() => startSealThreads(1));
    const threads = source.start();
    expect(source.start()).toBe(threads);
    await source.close();
    expect(threads.workers.map(({ threadId }) => threadId)).toEqual([-1]);
    await makeThreadSource(() => startSealThreads(1)).close();
  });
});
