import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { alignedView } from "../../posix/aligned.ts";
import { isColdkeepError, toHex } from "../../vault/names/index.ts";
import type { ApprovedPlan, Deleter, Lister, ObjectInfo, PlannedDelete, Store } from "../../vault/store/facets.ts";
import { hashed } from "../../vault/store/hashed.ts";
import type { StoreOptions } from "../../vault/store/open.ts";
import { STORE_CHECKS } from "../../vault/store/probe/index.ts";
import { runStoreChildren } from "../support/store-children.ts";
import { addTokens, tokens } from "../support/store-tokens.ts";

/** What one implementation hands to the suite: about a dozen lines. */
export interface StoreImplementation {
  readonly name: string;
  /** An empty store of its own. */
  open(): Promise<OpenedStore>;
  /** Why it cannot run here; its tests are then skipped, and say so. */
  readonly missing?: string;
  /** Etags name the bytes, not the version: one comes back when the bytes do. */
  readonly etagsOfBytes?: true;
  /** Why it keeps nothing that several writers at once are promised; those rules are skipped and say so. */
  readonly oneWriter?: string;
  /** A name whose last version was deleted stays taken. */
  readonly deletedStayTaken?: true;
  /** A receipt's time is near what head tells later, not the same. */
  readonly timesNear?: true;
  /** It can lock objects. */
  readonly locks?: true;
  /** Every change is refused; `filler` puts what is read. */
  readonly readonly?: true;
}

export interface OpenedStore {
  readonly store: Store & Partial<Deleter>;
  /** Puts objects where `store` itself may not. Default: `store`. */
  readonly filler?: Store;
  /** How another process opens the same place; absent where none can. */
  readonly url?: string;
  readonly s3?: StoreOptions["s3"];
}

/** The one of doctor's checks among them tries it with several at once, too. */
const SEVERAL = /concurrent|at the same time|several processes|still the version that was read/;

const ran = new Map<string, number>();

/** What store.test.ts checks at its end: how many tests of the suite ran on which store. */
export function storesThatRan(): ReadonlyMap<string, number> {
  return ran;
}

const text = (value: string): Buffer => Buffer.from(value);

async function names(lister: Lister, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of lister.list(prefix)) found.push(name);
  return found;
}

async function put(store: Store, name: string, bytes: Uint8Array) {
  const outcome = await store.create(name, hashed(bytes));
  if (!outcome.created) throw new Error(`${name} was there already`);
  return outcome.receipt;
}

const ILLEGAL = ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".tmp/x", "a/.hidden", "a\0b"];
const ODD = ["a\\b", "a b", "ä", "a\nb", "x".repeat(256), `${"x/".repeat(600)}x`, "%2e%2e/a", "C:/x", "~/x", "a:b"];

/** The contract of vault/store/facets.ts as tests, run once an implementation. */
export function describeStore(implementation: StoreImplementation): void {
  const { name: title, missing } = implementation;
  if (missing !== undefined) {
    describe.skip(`store ${title}`, () => it(`keeps the contract (${missing})`, () => {}));
    return;
  }
  const rule: Rule = (what, check) =>
    it(what, async ({ skip }) => {
      if (implementation.oneWriter !== undefined && SEVERAL.test(what)) return skip(implementation.oneWriter);
      const opened = await implementation.open();
      await check({ filler: opened.store, ...opened, skip });
      ran.set(title, (ran.get(title) ?? 0) + 1);
    });

  describe(`store ${title}: reading`, () => {
    rule("absence is null, not an error", async ({ store, filler }) => {
      await put(filler, "n/a", text("x"));
      for (const name of ["n/b", "m/b", "n/a/b", "n"]) {
        expect(await store.head(name)).toBeNull();
        expect(await store.get(name)).toBeNull();
        expect(await store.getRange(name, 0, 1)).toBeNull();
      }
    });

    rule("what was put is read whole, with its size and time", async ({ store, filler }) => {
      const bytes = randomBytes(70_001);
      const receipt = await put(filler, "n/data/id/00000.pack", bytes);
      const object = await store.get("n/data/id/00000.pack");
      expect(Buffer.compare(object?.bytes ?? text(""), bytes)).toBe(0);
      expect(await store.head("n/data/id/00000.pack")).toEqual(object?.info);
      const { sha256, ...info } = object?.info ?? {};
      // Of a store that keeps sums it is that of the bytes.
      expect(sha256 ?? toHex(hashed(bytes).sha256)).toBe(toHex(hashed(bytes).sha256));
      expect(info).toEqual(asTold(receipt.info, implementation));
      expect(receipt).toMatchObject({ name: "n/data/id/00000.pack", size: 70_001 });
      expect(Number.isSafeInteger(receipt.info.receivedAt)).toBe(true);
    });

    rule("what lies in memory that threads share is put like any other, as packs are", async ({ store, filler }) => {
      const bytes = alignedView(new SharedArrayBuffer(3 << 20)).subarray(0, (2 << 20) + 5);
      bytes.set(randomBytes(bytes.length));
      await put(filler, "n/data/id/00000.pack", bytes);
      const object = await store.get("n/data/id/00000.pack");
      expect(Buffer.compare(object?.bytes ?? text(""), bytes)).toBe(0);
    });

    rule("an object larger than allowed is an integrity error, not a cut one", async ({ store, filler }) => {
      await put(filler, "n/a", randomBytes(101));
      expect((await store.get("n/a", { maxBytes: 101 }))?.bytes.length).toBe(101);
      await expect(store.get("n/a", { maxBytes: 100 })).rejects.toSatisfy((e) => isColdkeepError(e, "integrity"));
    });

    rule("ranges come into memory that is lent, one after the other, and no byte of it is another's", async (at) => {
      const bytes = randomBytes(5000);
      await put(at.filler, "n/a", bytes);
      const lent = new Uint8Array(new SharedArrayBuffer(5000 + 3 * 4096));
      for (const [offset, length] of [
        [0, 5000],
        [17, 4000],
        [4999, 1],
      ] as const) {
        const range = await at.store.getRange("n/a", offset, length, lent);
        expect(range?.length).toBe(length);
        expect(Buffer.compare(Buffer.from(range ?? []), bytes.subarray(offset, offset + length))).toBe(0);
      }
    });

    rule("ranges are exact or an integrity error", async ({ store, filler }) => {
      const bytes = randomBytes(5000);
      await put(filler, "n/a", bytes);
      await fc.assert(
        fc.asyncProperty(fc.nat(5200), fc.nat(5200), async (offset, length) => {
          const range = store.getRange("n/a", offset, length);
          if (offset + length > bytes.length) {
            await expect(range).rejects.toSatisfy((e) => isColdkeepError(e, "integrity"));
          } else {
            expect(Buffer.compare((await range) ?? text("?"), bytes.subarray(offset, offset + length))).toBe(0);
          }
        }),
        {
          numRuns: 40,
          examples: [
            [0, 5000],
            [5000, 0],
            [4999, 1],
            [4999, 2],
            [5001, 0],
            [0, 5001],
          ],
        },
      );
      for (const [offset, length] of [
        [-1, 1],
        [0, -1],
        [0.5, 1],
        [0, Number.NaN],
        [2 ** 60, 1],
      ] as const) {
        await expect(store.getRange("n/a", offset, length)).rejects.toSatisfy((e) => isColdkeepError(e, "internal"));
      }
    });

    rule("an empty object is an object", async ({ store, filler }) => {
      await put(filler, "n/empty", new Uint8Array(0));
      expect(await store.head("n/empty")).toMatchObject({ size: 0 });
      expect((await store.get("n/empty"))?.bytes.length).toBe(0);
      expect((await store.getRange("n/empty", 0, 0))?.length).toBe(0);
      await expect(store.getRange("n/empty", 0, 1)).rejects.toSatisfy((e) => isColdkeepError(e, "integrity"));
    });

    rule("a huge object is stored and read by ranges", async ({ store, filler }) => {
      const bytes = Buffer.alloc((48 << 20) + 17, 1);
      bytes.set(text("at the end"), bytes.length - 10);
      const receipt = await put(filler, "n/huge", bytes);
      expect(receipt.size).toBe(bytes.length);
      const end = await store.getRange("n/huge", bytes.length - 10, 10);
      expect(Buffer.from(end ?? []).toString()).toBe("at the end");
      expect((await store.get("n/huge"))?.bytes.length).toBe(bytes.length);
    });

    rule("a list tells every name once, ascending by bytes, and only under its prefix", async ({ store, filler }) => {
      const all = ["a/b", "a-b", "a.b", "a/b-c", "ab", "a/b.d/x", "a/b0", "A", "_", "-", "a/B", "z/9", "a0", "a/b.d.e"];
      for (const name of all) await put(filler, name, text(name));
      expect(await names(store, "")).toEqual([...all].sort());
      expect(await names(store, "a/")).toEqual(all.filter((n) => n.startsWith("a/")).sort());
      expect(await names(store, "a/b.")).toEqual(["a/b.d.e", "a/b.d/x"]);
      expect(await names(store, "a")).toEqual(all.filter((n) => n.startsWith("a")).sort());
      expect(await names(store, "a/b.d/x")).toEqual(["a/b.d/x"]);
      expect(await names(store, "q/")).toEqual([]);
      expect(await names(store, "A/")).toEqual([]);
    });

    rule("a list left early leaves the store as it was", async ({ store, filler }) => {
      for (const name of ["a/b/1", "a/b/2", "c"]) await put(filler, name, text(name));
      for await (const { name } of store.list("")) if (name === "a/b/1") break;
      expect(await names(store, "")).toHaveLength(3);
    });

    rule("names that lead out or hide are refused before any I/O", async ({ store }) => {
      for (const name of [...ILLEGAL, ...ODD]) {
        const internal = (e: unknown) => isColdkeepError(e, "internal");
        await expect(store.head(name), name).rejects.toSatisfy(internal);
        await expect(store.get(name), name).rejects.toSatisfy(internal);
        await expect(store.getRange(name, 0, 1), name).rejects.toSatisfy(internal);
      }
      for (const prefix of ["../", "/", "a/../", "a//", ".tmp/", "a/.", "a\0"]) {
        await expect((async () => names(store, prefix))(), prefix).rejects.toSatisfy((e) =>
          isColdkeepError(e, "internal"),
        );
      }
    });
  });

  if (implementation.readonly) describeRefusals(title, rule);
  else describeWriting(title, rule, implementation);
  afterAll(() => {
    console.log(`store ${title}: ${ran.get(title) ?? 0} rules of the contract held`);
  });
}

/** What must be found again of the info in a receipt. */
function asTold(info: ObjectInfo, { timesNear }: StoreImplementation): unknown {
  return timesNear === true ? { ...info, receivedAt: expect.any(Number) } : info;
}

type Rule = (
  what: string,
  check: (opened: OpenedStore & { filler: Store; skip: (why: string) => never }) => Promise<void>,
) => void;

function describeRefusals(title: string, rule: Rule): void {
  describe(`store ${title}: changing`, () => {
    rule("every change is refused and changes nothing", async ({ store, filler }) => {
      const receipt = await put(filler, "n/a", text("x"));
      const refused = (e: unknown) => isColdkeepError(e, "refused");
      await expect(store.create("n/b", hashed(text("y")))).rejects.toSatisfy(refused);
      await expect(store.replace("n/a", text("y"), receipt.info.etag)).rejects.toSatisfy(refused);
      if (store.delete !== undefined) {
        const plan = approve([{ name: "n/a", etag: receipt.info.etag }]);
        await expect(outcomes({ delete: store.delete }, plan)).rejects.toSatisfy(refused);
      }
      expect(await names(filler, "")).toEqual(["n/a"]);
      expect(await filler.head("n/a")).toEqual(receipt.info);
    });
  });
}

function describeWriting(title: string, rule: Rule, implementation: StoreImplementation): void {
  const told = (info: ObjectInfo) => asTold(info, implementation);
  describe(`store ${title}: what doctor --store looks at`, () => {
    for (const check of STORE_CHECKS.filter(({ name }) => name !== "clock" && name !== "versions")) {
      rule(check.guarantee, async ({ store }) => {
        const now = () => 0;
        await check.see({ store, prefix: "_probe-1/", name: (leaf) => `_probe-1/${leaf}`, made() {}, now });
      });
    }
  });

  describe(`store ${title}: creating`, () => {
    rule("a name that is taken keeps its first bytes, and says whether they are the same", async ({ store }) => {
      const { info } = await put(store, "n/a", text("first"));
      expect(await store.create("n/a", hashed(text("first")))).toEqual({
        created: false,
        same: true,
        info: expect.objectContaining(told(info)),
      });
      expect(await store.create("n/a", hashed(text("other")))).toEqual({
        created: false,
        same: false,
        info: expect.objectContaining(told(info)),
      });
      expect(await store.create("n/a", hashed(text("longer one")))).toMatchObject({ same: false });
      expect((await store.get("n/a"))?.bytes).toEqual((await store.getRange("n/a", 0, 5)) ?? null);
      expect(Buffer.from((await store.get("n/a"))?.bytes ?? []).toString()).toBe("first");
    });

    rule("illegal names are refused and leave nothing", async ({ store }) => {
      for (const name of [...ILLEGAL, ...ODD]) {
        const internal = (e: unknown) => isColdkeepError(e, "internal");
        await expect(store.create(name, hashed(text("x"))), name).rejects.toSatisfy(internal);
        await expect(store.replace(name, text("x"), null), name).rejects.toSatisfy(internal);
      }
      expect(await names(store, "")).toEqual([]);
    });

    rule(
      "creates by several processes: exactly one wins each name, and all losers see its bytes",
      async ({ store, url, s3, skip }) => {
        if (url === undefined) return skip("no other process can open it");
        const contested = ["p/1", "p/2", "p/3"];
        const tasks = [0, 1, 2].map((child) => ({
          url,
          ...(s3 === undefined ? {} : { s3 }),
          kind: "create" as const,
          names: contested,
          text: `child ${child}`,
        }));
        const results = await runStoreChildren(tasks);
        for (const [i, name] of contested.entries()) {
          const winners = results.filter((r) => r.won[i]);
          expect(winners, name).toHaveLength(1);
          const bytes = (await store.get(name))?.bytes ?? text("");
          expect(Buffer.from(bytes).toString()).toBe(tasks[results.findIndex((r) => r.won[i])]?.text);
        }
      },
    );
  });

  describe(`store ${title}: replacing`, () => {
    rule("only the version named is replaced, and each version has its own etag", async ({ store }) => {
      const first = await store.replace("n/index.json", text("1"), null);
      if (!first.replaced) throw new Error("an absent object was not put");
      expect(await store.replace("n/index.json", text("x"), null)).toEqual({ replaced: false });
      const second = await store.replace("n/index.json", text("2"), first.info.etag);
      if (!second.replaced) throw new Error("the version named was not replaced");
      expect(await store.replace("n/index.json", text("x"), first.info.etag)).toEqual({ replaced: false });
      expect(await store.get("n/index.json")).toMatchObject({ info: told(second.info) });
      expect(await store.replace("n/absent", text("x"), second.info.etag)).toEqual({ replaced: false });
      expect(await names(store, "")).toEqual(["n/index.json"]);
    });

    rule("an etag never comes back, though the bytes do", async ({ store, skip }) => {
      if (implementation.etagsOfBytes === true) return skip("its etags name bytes");
      const seen = new Set<string>();
      let etag: string | null = null;
      for (let i = 0; i < 20; i += 1) {
        const outcome = await store.replace("n/a", text(`${i % 2}`), etag);
        if (!outcome.replaced) throw new Error("the version named was not replaced");
        etag = outcome.info.etag;
        seen.add(etag);
      }
      expect(seen.size).toBe(20);
    });

    rule("concurrent replacers lose no update", async ({ store }) => {
      await store.replace("n/set", text(""), null);
      await Promise.all(Array.from({ length: 6 }, (_, i) => addTokens(store, "n/set", [`${i}-a`, `${i}-b`, `${i}-c`])));
      expect((await tokens(store, "n/set")).sort()).toEqual(
        Array.from({ length: 18 }, (_, i) => `${Math.floor(i / 3)}-${"abc"[i % 3]}`),
      );
    });

    rule("replacers in several processes lose no update", async ({ store, url, s3, skip }) => {
      if (url === undefined) return skip("no other process can open it");
      await store.replace("n/set", text(""), null);
      const own = [0, 1, 2].map((child) => Array.from({ length: 10 }, (_, i) => `${child}-${i}`));
      await runStoreChildren(
        own.map((added) => ({
          url,
          ...(s3 === undefined ? {} : { s3 }),
          kind: "add" as const,
          names: ["n/set"],
          text: added.join(" "),
        })),
      );
      expect((await tokens(store, "n/set")).sort()).toEqual(own.flat().sort());
    });
  });

  describe(`store ${title}: remembering`, () => {
    rule("older versions are told newest first and read, where the store keeps any", async ({ store }) => {
      const first = await store.replace("n/key.json", text("first"), null);
      if (!first.replaced) throw new Error("an absent object was not put");
      await put(store, "n/key.json-2", text("another"));
      const second = await store.replace("n/key.json", text("second"), first.info.etag);
      if (!second.replaced) throw new Error("the version named was not replaced");
      const { history } = store;
      const kept = (await history?.versions("n/key.json", 10)) ?? [];
      expect(kept.map(({ version }) => version)).toEqual(
        [second, first].flatMap(({ info: { version } }) => (version === undefined ? [] : [version])),
      );
      for (const [i, { version, size }] of kept.entries()) {
        const found = await history?.get("n/key.json", version, { maxBytes: size });
        expect(Buffer.from(found?.bytes ?? []).toString()).toBe(["second", "first"][i]);
        expect(found?.info).toMatchObject({ version, size });
        const larger = history?.get("n/key.json", version, { maxBytes: size - 1 });
        await expect(larger).rejects.toSatisfy((e) => isColdkeepError(e, "integrity"));
      }
      expect((await history?.versions("n/key.json", 1)) ?? []).toEqual(kept.slice(0, 1));
      const oldest = kept.at(-1)?.version;
      expect([...((await history?.overwritten("n/")) ?? [])]).toEqual(
        oldest === undefined ? [] : [["n/key.json", oldest]],
      );
      const part = oldest === undefined ? text("irs") : await history?.getRange("n/key.json", oldest, 1, 3);
      expect(Buffer.from(part ?? []).toString()).toBe("irs");
      expect((await history?.versions("n/absent", 10)) ?? []).toEqual([]);
    });
  });

  describe(`store ${title}: locking`, () => {
    rule(
      "what is locked is not deleted, and no lock is made shorter, where the store has locks",
      async ({ store, skip }) => {
        if (store.delete === undefined) return skip("it deletes nothing");
        const { name, info } = await put(store, "n/data/x/00000.pack", text("kept"));
        expect(await store.lockTerms()).toBeNull();
        const until = Math.floor((Date.now() + 90 * 86_400_000) / 1000) * 1000;
        if (implementation.locks !== true) {
          await expect(store.lock(name, until, "governance")).rejects.toSatisfy((e) => isColdkeepError(e));
          return;
        }
        expect(await store.lock("n/absent", until, "governance")).toBe("absent");
        expect(await store.lock(name, until, "governance")).toBe("locked");
        expect(await store.lock(name, until - 1000, "governance")).toBe("locked");
        expect((await store.head(name))?.lockedUntil).toBe(until);
        const { version } = info;
        const plan = approve([{ name, etag: info.etag, ...(version === undefined ? {} : { version }) }]);
        expect(await outcomes({ delete: store.delete }, plan)).toEqual(["locked"]);
        expect(await names(store, "")).toEqual([name]);
      },
    );
  });

  describe(`store ${title}: deleting`, () => {
    rule("only the very version named is deleted, and a plan can be run again", async ({ store, skip }) => {
      if (store.delete === undefined) return skip("it deletes nothing");
      const deleter = { delete: store.delete };
      const kept = await put(store, "n/data/x/00000.pack", text("kept"));
      const gone = await put(store, "n/data/y/00000.pack", text("gone"));
      const plan = approve([
        { name: gone.name, etag: gone.info.etag },
        { name: kept.name, etag: `${kept.info.etag}0` },
        { name: "n/absent", etag: kept.info.etag },
      ]);
      expect(await outcomes(deleter, plan)).toEqual(["deleted", "gone", "gone"]);
      expect(await outcomes(deleter, plan)).toEqual(["gone", "gone", "gone"]);
      expect(await names(store, "")).toEqual([kept.name]);
      if (implementation.deletedStayTaken === true) return;
      await put(store, gone.name, text("a new one"));
      expect(await outcomes(deleter, plan)).toEqual(["gone", "gone", "gone"]);
    });

    rule("a plan with one illegal name deletes nothing", async ({ store, skip }) => {
      if (store.delete === undefined) return skip("it deletes nothing");
      const { info } = await put(store, "n/a", text("x"));
      const plan = approve([
        { name: "n/a", etag: info.etag },
        { name: "../x", etag: "0" },
      ]);
      await expect(outcomes({ delete: store.delete }, plan)).rejects.toSatisfy((e) => isColdkeepError(e, "internal"));
      expect(await names(store, "")).toEqual(["n/a"]);
    });
  });
}

/** Stands in for the retention job, the only one that makes plans. */
function approve(objects: readonly PlannedDelete[]): ApprovedPlan {
  return { objects } as ApprovedPlan;
}

async function outcomes(deleter: Deleter, plan: ApprovedPlan): Promise<string[]> {
  const found: string[] = [];
  for await (const { outcome } of deleter.delete(plan)) found.push(outcome);
  return found;
}
