import { describe, expect, it } from "vitest";
import { ColdkeepError, isColdkeepError } from "../../../vault/names/index.ts";
import { hashed } from "../../../vault/store/hashed.ts";
import { type RetryOptions, retrying } from "../../../vault/store/index.ts";
import { type Fault, faultyStore, seededFaults } from "../../support/faulty-store.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { addTokens, tokens } from "../../support/store-tokens.ts";

const x = Buffer.from("x");

/** Waiting moves this clock and takes no time. */
function options(budget: RetryOptions["budget"] = {}): RetryOptions & { readonly waits: number[] } {
  let now = 0;
  const waits: number[] = [];
  const wait = async (ms: number) => {
    waits.push(ms);
    now += ms;
  };
  return { budget, clock: { monotonic: () => now }, wait, random: () => 1, waits };
}

const failing = (...faults: readonly (Fault | null)[]) => {
  const memory = memoryStore();
  return { memory, faulty: faultyStore(memory, ({ ordinal }) => faults[ordinal - 1] ?? null) };
};

describe("retrying", () => {
  it("a create whose answer was lost is ours when it is sent again", async () => {
    const { faulty } = failing("fails-after", "fails-before");
    const outcome = await retrying(faulty, options()).create("n/a", hashed(x));
    expect(outcome).toMatchObject({ created: true, receipt: { name: "n/a", size: 1 } });
    expect(faulty.calls).toHaveLength(3);
  });

  it("a create that finds the same bytes unprovoked is not ours", async () => {
    const { memory, faulty } = failing();
    memory.plant("n/a", x);
    expect(await retrying(faulty, options()).create("n/a", hashed(x))).toMatchObject({ created: false, same: true });
  });

  it("a create that finds other bytes after a lost answer is not ours", async () => {
    const { memory, faulty } = failing("fails-before");
    memory.plant("n/a", Buffer.from("y"));
    expect(await retrying(faulty, options()).create("n/a", hashed(x))).toMatchObject({ created: false, same: false });
  });

  const gone = () => failing(...Array<Fault>(1000).fill("fails-before")).faulty;

  it("pauses double up to the longest, the budget is one of time, and the last error comes through", async () => {
    const told = options({ pauseMs: 100, longestPauseMs: 300, totalMs: 1000 });
    await expect(retrying(gone(), told).head("n/a")).rejects.toSatisfy((e) => isColdkeepError(e, "vault"));
    expect(told.waits).toEqual([100, 200, 300, 300]);
  });

  it("a store that answered before is waited for through an outage of ten minutes", async () => {
    const memory = memoryStore();
    const told = options();
    const from = 1;
    const outage = 600_000;
    const store = retrying(
      faultyStore(memory, ({ ordinal }) => (ordinal > from && told.clock.monotonic() < outage ? "fails-before" : null)),
      told,
    );
    await store.head("n/a");
    expect(await store.create("n/a", hashed(x))).toMatchObject({ created: true });
    expect(told.clock.monotonic()).toBeGreaterThanOrEqual(outage);
    // Seldom enough for a server that asks for less.
    expect(told.waits.length).toBeLessThan(40);
  });

  it("a store that never answered is waited for a minute, unless more is asked for", async () => {
    for (const [budget, ms] of [
      [{}, 60_000],
      [{ firstMs: 300_000 }, 300_000],
      [{ firstMs: 300_000, totalMs: 20_000 }, 20_000],
    ] as const) {
      const told = options(budget);
      await expect(retrying(gone(), told).head("n/a")).rejects.toSatisfy((e) => isColdkeepError(e, "vault"));
      expect(told.clock.monotonic()).toBeLessThanOrEqual(ms);
      expect(told.clock.monotonic()).toBeGreaterThan(ms / 2);
    }
  });

  it("a budget that shrinks while a call waits ends the waiting", async () => {
    let totalMs = 1_000_000;
    const told = options(() => ({ totalMs, firstMs: totalMs }));
    const onWait = (_: ColdkeepError, failingMs: number) => {
      if (failingMs > 100_000) totalMs = 150_000;
    };
    await expect(retrying(gone(), { ...told, onWait }).head("n/a")).rejects.toSatisfy((e) =>
      isColdkeepError(e, "vault"),
    );
    expect(told.clock.monotonic()).toBeLessThanOrEqual(150_000);
  });

  it("an outage that outlasted one call's patience is not waited for by each of the next", async () => {
    const told = options();
    const store = retrying(gone(), told);
    await expect(store.head("n/a")).rejects.toSatisfy((e) => isColdkeepError(e, "vault"));
    for (let i = 0; i < 20; i += 1) {
      await expect(store.head("n/a")).rejects.toSatisfy((e) => isColdkeepError(e, "vault"));
    }
    expect(told.clock.monotonic()).toBeLessThanOrEqual(60_000);
  });

  it("bytes that do not add up are read six times, as an outage they are not", async () => {
    let calls = 0;
    const corrupt = async () => {
      calls += 1;
      throw new ColdkeepError("integrity", { what: "the bytes are others", retryable: true });
    };
    const store = retrying({ ...memoryStore(), get: corrupt }, options());
    await expect(store.get("n/a", { maxBytes: 1 })).rejects.toSatisfy((e) => isColdkeepError(e, "integrity"));
    expect(calls).toBe(6);
  });

  it("whoever waits is told why, since when and how long at most; and asked before bytes are sent once more", async () => {
    const { faulty } = failing("fails-before", "fails-before");
    const told: unknown[] = [];
    const repeated: number[] = [];
    const onWait = ({ kind }: ColdkeepError, failingMs: number, leftMs: number) => told.push([kind, failingMs, leftMs]);
    const store = retrying(faulty, { ...options(), onWait });
    await store.create("n/a", hashed(x), { mayRepeat: async (bytes) => void repeated.push(bytes) });
    expect(told).toEqual([
      ["vault", 0, 60_000],
      ["vault", 200, 59_800],
    ]);
    expect(repeated).toEqual([1, 1]);
  });

  it.each(["no-space", "permission"] as const)("does not repeat %s", async (fault) => {
    const { faulty } = failing(fault);
    await expect(retrying(faulty, options()).create("n/a", hashed(x))).rejects.toSatisfy((e) =>
      isColdkeepError(e, fault),
    );
    expect(faulty.calls).toHaveLength(1);
  });

  it("does not repeat defects, and not after an abort", async () => {
    const { faulty } = failing("fails-before");
    const abort = AbortSignal.abort();
    await expect(retrying(faulty, { ...options(), signal: abort }).head("n/a")).rejects.toThrow(ColdkeepError);
    const broken = { ...faulty, head: async () => Promise.reject(new TypeError("a defect")) };
    await expect(retrying(broken, options()).head("n/a")).rejects.toThrow(TypeError);
    expect(faulty.calls).toHaveLength(1);
  });

  it("an abort ends the pause between attempts", async () => {
    const { faulty } = failing("fails-before");
    const abort = new AbortController();
    const { clock } = options();
    const failed = retrying(faulty, {
      clock,
      budget: { pauseMs: 50, totalMs: 1e9 },
      random: () => 1,
      signal: abort.signal,
    }).head("n/a");
    abort.abort();
    await expect(failed).rejects.toThrow();
    expect(faulty.calls).toHaveLength(1);
  });

  it("updates by compare and swap lose nothing though answers are lost", async () => {
    const memory = memoryStore();
    memory.plant("n/set", new Uint8Array(0));
    for (let seed = 0; seed < 20; seed += 1) {
      const faulty = faultyStore(memory, seededFaults(seed, 0.4, ["fails-before", "fails-after"]));
      const store = retrying(faulty, options({ firstMs: Number.MAX_SAFE_INTEGER, totalMs: Number.MAX_SAFE_INTEGER }));
      await Promise.all(["a", "b", "c"].map((word) => addTokens(store, "n/set", [`${seed}${word}`])));
    }
    const found = await tokens(memory, "n/set");
    expect(found).toHaveLength(60);
    expect(new Set(found).size).toBe(60);
  });

  it("a list that breaks off goes on behind the last name", async () => {
    const memory = memoryStore();
    for (let i = 0; i < 9; i += 1) memory.plant(`n/${i}`, x);
    let turn = 0;
    const flaky = {
      ...memory,
      list: async function* (prefix: string) {
        for await (const object of memory.list(prefix)) {
          turn += 1;
          if ([3, 8, 10].includes(turn)) throw new ColdkeepError("vault", { what: "cut off", retryable: true });
          yield object;
        }
      },
    };
    const found: string[] = [];
    for await (const { name } of retrying(flaky, options()).list("n/")) found.push(name);
    expect(found).toEqual(Array.from({ length: 9 }, (_, i) => `n/${i}`));
  });
});
