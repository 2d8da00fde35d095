import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { settingsOf } from "../../lambdas/common/settings.ts";
import { indexBatch } from "../../lambdas/indexer/index-batch.ts";
import { retainNode } from "../../lambdas/retention/retain-node.ts";
import { verifyNode } from "../../lambdas/verifier/verify-node.ts";
import { systemClock } from "../../posix/clock.ts";
import { type Card, parseBackupList, parseHead, parseIndex } from "../../vault/card/index.ts";
import { names } from "../../vault/names/index.ts";
import { hashed, openStore, retrying } from "../../vault/store/index.ts";
import { openS3Store } from "../../vault/store/s3/index.ts";
import { keepingTeller, recordOf } from "../lambdas/events.ts";
import { type CardWorld, cardWorld, usesOf } from "../support/cards.ts";
import { emulator } from "./emulator/index.ts";
import { type Act, type S3Proxy, startProxy } from "./proxy.ts";
import { endpointOf, freshVault, type S3Vault } from "./s3.ts";

const aws = await emulator();
const missing = "missing" in aws ? ` (${aws.missing})` : "";
const SLOW_DOWN: Act = { status: 503, code: "SlowDown" };
const never = new AbortController().signal;

/** The functions' own work on a real S3 server, which throttles, does not answer, or sees a function die. */
describe.skipIf(missing !== "")(`functions and a server in trouble${missing}`, { timeout: 180_000 }, () => {
  let proxy: S3Proxy;
  let vault: S3Vault;
  let world: CardWorld;
  let cards: Card[];

  beforeAll(async () => {
    proxy = await startProxy(endpointOf(aws));
  });
  afterAll(() => proxy?.stop());
  beforeEach(async () => {
    proxy.behave(() => "pass");
    vault = await freshVault(endpointOf(aws));
    world = await cardWorld();
    // Their ids tell about now, as S3's clock cannot be moved.
    const at = Math.floor(Date.now() / 1000) * 1000 - 60_000;
    const first = await world.snapshot({ at, heights: { "": 1 } });
    const more = { at: at + 1000, parent: first.core.snapshot, inherited: usesOf(first), heights: { "": 2 } };
    cards = [first, await world.snapshot(more)];
    const put = await openStore(vault.url, { s3: vault.s3 });
    for (const [name, { bytes }] of world.store.objects) await put.create(name, hashed(bytes));
  });

  const node = () => {
    const written = { name: world.node, at: "00:00", stale_after: "26h", reread_days: 1 };
    const settings = settingsOf({ format: 1, nodes: [written] });
    const found = settings.get(world.node);
    if (found === undefined) throw new Error("it is the one there is");
    return { settings, node: found };
  };
  /** As lambdas/common/vault.ts opens it, with less patience. */
  const open = (totalMs: number, idleMs = 500) => {
    const store = openS3Store(vault.url, {
      s3: { endpoint: proxy.endpoint },
      now: systemClock.now,
      limits: { idleMs, callMs: 5_000 },
    });
    const patient = retrying(store, { clock: systemClock, budget: { totalMs } });
    return { ...patient, delete: (plan: Parameters<typeof store.delete>[0]) => store.delete(plan) };
  };
  const records = () => {
    const prefix = vault.url.slice(`s3://${vault.bucket}/`.length);
    return cards.map(({ core }) => recordOf(vault.bucket, `${prefix}/${names.card(core.node, core.snapshot)}`));
  };
  const index = (store: ReturnType<typeof open>, tell = keepingTeller()) =>
    indexBatch({ store, settings: node().settings, send: async () => {}, tell }, records());
  const listed = async () => {
    const store = await openStore(vault.url, { s3: vault.s3 });
    const read = async (name: string) => (await store.get(name))?.bytes ?? new Uint8Array(0);
    const list = parseBackupList(await read(names.backupList(world.node)));
    const { snapshots, generation } = parseIndex(await read(names.indexJson(world.node)));
    const head = parseHead(await read(names.headJson(world.node)));
    return { list, states: snapshots.map(({ state }) => state), agree: head.generation === generation };
  };
  const newestFirst = () => cards.map(({ core }) => core.snapshot).reverse();
  const whole = () => ({ list: newestFirst(), states: ["good", "good"], agree: true });
  const everyThird = () => proxy.behave((_, number) => (number % 3 === 0 ? SLOW_DOWN : "pass"));

  it("that asks to slow down at every third call: card, night and look go through all the same", async () => {
    everyThird();
    expect(await index(open(20_000))).toEqual({ batchItemFailures: [] });
    const tell = keepingTeller();
    const now = systemClock.now;
    await retainNode({ store: open(20_000), tell, now }, node().node, { apply: true });
    const others = { tell, now, people: async () => {}, send: async () => {} };
    expect(await verifyNode({ store: open(20_000), ...others }, node().node, never)).toMatchObject({
      snapshots: 2,
      findings: [],
    });
    proxy.behave(() => "pass");
    expect(await listed()).toEqual(whole());
  });

  it.each([
    ["asks to slow down for good", SLOW_DOWN],
    ["does not answer", "stall"],
  ] as const)("that %s: the card's event comes again, and then is taken in", async (_, act) => {
    const tell = keepingTeller();
    proxy.behave(() => act);
    const { batchItemFailures } = await index(open(300, 100), tell);
    expect(batchItemFailures).toHaveLength(2);
    expect(tell.lines.join("\n")).toMatch(/could not index/);
    const on = { store: open(300, 100), tell, now: systemClock.now };
    await expect(retainNode(on, node().node, { apply: true })).rejects.toMatchObject({ kind: "vault" });
    proxy.behave(() => "pass");
    expect(await index(open(20_000))).toEqual({ batchItemFailures: [] });
    expect(await listed()).toEqual(whole());
  });

  it.each(["backup_list", "head.json"])(
    "dies after its write before %s: the next event finishes it",
    async (object) => {
      // From there on nothing of this function reaches the server any more.
      let dead = false;
      proxy.behave(({ method, key }) => {
        dead ||= method === "PUT" && key.endsWith(`/${object}`);
        return dead ? "reset-before" : "pass";
      });
      expect((await index(open(300))).batchItemFailures).toHaveLength(2);
      expect(dead).toBe(true);
      proxy.behave(() => "pass");
      expect(await index(open(20_000))).toEqual({ batchItemFailures: [] });
      expect(await listed()).toEqual(whole());
    },
  );

  it("whose answer to a write was lost: nothing is listed twice, and all agree", async () => {
    let lost = false;
    proxy.behave(({ method, key }) => {
      if (lost || method !== "PUT" || !key.endsWith("/index.json")) return "pass";
      lost = true;
      return "reset-after";
    });
    expect(await index(open(20_000))).toEqual({ batchItemFailures: [] });
    expect(lost).toBe(true);
    expect(await listed()).toEqual(whole());
  });
});
