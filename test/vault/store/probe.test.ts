import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ColdkeepError } from "../../../vault/names/index.ts";
import type { Deleter } from "../../../vault/store/facets.ts";
import { openStore, probeStore, type Store } from "../../../vault/store/index.ts";
import { makeReceipt } from "../../../vault/store/receipt.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { tempDir } from "../../support/tmp.ts";

const NOW = Date.UTC(2026, 0, 1);
const RUN = "0123456789abcdef";

/** What the probe says of a store in memory that is changed so. */
async function probe(change: (store: ReturnType<typeof memoryStore>) => Partial<Store & Deleter> = () => ({})) {
  const store = memoryStore(() => NOW);
  const report = await probeStore({ store: { ...store, ...change(store) }, run: RUN, now: () => NOW });
  const results = Object.fromEntries(report.findings.map(({ name, result }) => [name, result]));
  const found = Object.fromEntries(report.findings.map(({ name, found: words }) => [name, words]));
  return { results, found, left: report.left, names: [...store.objects.keys()] };
}

const denied = async (): Promise<never> => {
  throw new ColdkeepError("permission", { what: "access denied" });
};

const deniedIteration = () => ({ [Symbol.asyncIterator]: () => ({ next: denied }) });

describe("the probe of a store", () => {
  it("finds a good one good, and leaves nothing", async () => {
    const { results, left, names } = await probe();
    const { versions, ...rest } = results;
    expect(new Set(Object.values(rest))).toEqual(new Set(["holds"]));
    expect(versions).toBe("broken");
    expect([left, names]).toEqual([[], []]);
  });

  it("leaves a directory as it was, empty folders included", async () => {
    const folder = tempDir();
    const store = await openStore(folder);
    const { findings, left } = await probeStore({ store, run: RUN, now: Date.now });
    expect(findings.filter(({ result }) => result !== "holds").map(({ name }) => name)).toEqual(["versions"]);
    expect(left).toEqual([]);
    expect(readdirSync(folder)).toEqual([".tmp"]);
  });

  it("touches nothing that is there", async () => {
    const store = memoryStore(() => NOW);
    store.plant("icon/node.json", Buffer.from("x"));
    const before = store.objects.get("icon/node.json");
    await probeStore({ store, run: RUN, now: () => NOW });
    expect([...store.objects]).toEqual([["icon/node.json", before]]);
  });

  it.each<[string, string, (store: ReturnType<typeof memoryStore>) => Partial<Store & Deleter>]>([
    [
      "overwrites",
      "create-only",
      (store) => ({
        create: async (name, { bytes }) => {
          store.plant(name, bytes, NOW);
          const info = store.objects.get(name)?.info;
          if (info === undefined) throw new Error("planted");
          return { created: true, receipt: makeReceipt(name, info) };
        },
      }),
    ],
    [
      "lets several win",
      "one winner",
      (store) => ({
        create: async (name, body) => {
          const there = await store.head(name);
          await new Promise(setImmediate);
          if (there !== null) return store.create(name, body);
          store.plant(name, body.bytes, NOW);
          return { created: true, receipt: makeReceipt(name, (await store.head(name)) as never) };
        },
      }),
    ],
    [
      "replaces whatever version is there",
      "compare-and-swap",
      (store) => ({
        replace: async (name, bytes) => store.replace(name, bytes, store.objects.get(name)?.info.etag ?? null),
      }),
    ],
    [
      "answers reads late",
      "read after write",
      (store) => {
        const told = new Map<string, Awaited<ReturnType<Store["get"]>>>();
        return {
          get: async (name) => {
            const old = told.get(name);
            told.set(name, await store.get(name));
            return old === undefined ? store.get(name) : old;
          },
        };
      },
    ],
    ["answers any name", "absence", () => ({ head: async () => ({ size: 0, etag: "", receivedAt: NOW }) })],
    [
      "cuts ranges short",
      "ranges",
      (store) => ({
        getRange: async (name, offset, length) =>
          (await store.get(name))?.bytes.subarray(offset, offset + length - 1) ?? null,
      }),
    ],
    [
      "lists out of order",
      "list",
      (store) => ({
        list: async function* (prefix) {
          const all = [];
          for await (const object of store.list(prefix)) all.unshift(object);
          yield* all;
        },
      }),
    ],
    [
      "has another clock",
      "clock",
      (store) => ({
        create: async (name, body) => {
          const outcome = await store.create(name, body);
          if (!outcome.created) return outcome;
          return {
            created: true,
            receipt: makeReceipt(name, { ...outcome.receipt.info, receivedAt: NOW - 3_600_000 }),
          };
        },
      }),
    ],
  ])("tells one that %s", async (_, check, change) => {
    expect((await probe(change)).results[check]).toBe("broken");
  });

  it("tells of rights that are missing, and what it had to leave", async () => {
    const { results, left, names } = await probe(() => ({
      list: deniedIteration,
      delete: deniedIteration,
    }));
    expect(results).toMatchObject({ list: "denied", "create-only": "holds" });
    expect(left.length).toBeGreaterThan(0);
    expect([...left].sort()).toEqual(names.sort());
    expect(left.every((name) => name.startsWith(`_probe-${RUN}/`))).toBe(true);
  });

  it("of a host that may do nothing says so of each guarantee and fails at none", async () => {
    const { results, names } = await probe(() => ({
      create: denied,
      replace: denied,
      head: denied,
      get: denied,
      getRange: denied,
      list: deniedIteration,
    }));
    expect(new Set(Object.values(results))).toEqual(new Set(["denied"]));
    expect(names).toEqual([]);
  });

  it("that is interrupted removes what it put", async () => {
    const store = memoryStore(() => NOW);
    const abort = new AbortController();
    const probing = probeStore({
      store: {
        ...store,
        replace: async (name, bytes, expected) => {
          abort.abort();
          return store.replace(name, bytes, expected);
        },
      },
      run: RUN,
      now: () => NOW,
      signal: abort.signal,
    });
    await expect(probing).rejects.toThrow();
    expect(store.objects.size).toBe(0);
  });
});
