import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { indexSnapshots, issueTicket, makePresenter, publishStatus, type Standards } from "../../../keeper/index.ts";
import { readPage } from "../../../keeper/page/read.ts";
import { PAGE_POLICY, renderPage } from "../../../keeper/page/render.ts";
import type { PageNode } from "../../../keeper/page/types.ts";
import { settingsOf } from "../../../lambdas/common/settings.ts";
import { indexBatch } from "../../../lambdas/indexer/index-batch.ts";
import { type NodeName, names, toNodeName } from "../../../vault/names/index.ts";
import { tiersOf } from "../../../vault/retain/index.ts";
import type { Reader, Replacer } from "../../../vault/store/facets.ts";
import { localTicketMac } from "../../../vault/ticket/index.ts";
import { keepingTeller, recordOf } from "../../lambdas/events.ts";
import { type CardWorld, cardWorld } from "../../support/cards.ts";
import { fleet, NOW } from "../../support/page-nodes.ts";

const HOUR = 3_600_000;
const STANDARDS: Standards = {
  tiers: tiersOf({ keep_daily: 7, timezone: "UTC" }),
  limits: { maxAgeMs: 26 * HOUR },
};
const OTHER = toNodeName("other");
const mac = localTicketMac(Buffer.alloc(32, 5));

async function published(): Promise<{ world: CardWorld; all: Map<NodeName, Standards>; ids: string[] }> {
  const world = await cardWorld();
  const cards = [await world.snapshot(), await world.snapshot()];
  const ids = cards.map(({ core }) => core.snapshot);
  await indexSnapshots({ store: world.store, node: world.node, ids });
  const all = new Map([
    [world.node, STANDARDS],
    [OTHER, STANDARDS],
  ]);
  await publishStatus({ store: world.store, news: [world.node], all, now: world.now });
  return { world, all, ids };
}

const bytesOf = ({ store }: CardWorld) => store.objects.get(names.STATUS_PAGE)?.bytes ?? new Uint8Array(0);
const pageOf = (world: CardWorld): PageNode[] => readPage(bytesOf(world)) ?? [];
const brief = (nodes: readonly PageNode[]) =>
  nodes.map(({ node, counts, alarms }) => [node, counts[0], alarms[0]?.[0]] as const);

describe("the status page in a vault", () => {
  it("tells of all nodes of the deployment, also of one without any backup", async () => {
    const { world } = await published();
    expect(brief(pageOf(world))).toEqual([
      ["other", 0, "none"],
      [world.node, 2, undefined],
    ]);
  });

  it("is brought up to date node by node, and read back as it was written", async () => {
    const nodes = fleet(5, 40);
    const sorted = [...nodes].sort((a, b) => (a.node < b.node ? -1 : 1));
    const read = readPage(Buffer.from(renderPage(nodes, NOW))) ?? [];
    expect([...read].sort((a, b) => (a.node < b.node ? -1 : 1))).toEqual(sorted);
    const { world, all } = await published();
    const third = await world.snapshot();
    await indexSnapshots({ store: world.store, node: world.node, ids: [third.core.snapshot] });
    await publishStatus({ store: world.store, news: [OTHER], all, now: world.now });
    expect(brief(pageOf(world))[1]).toEqual([world.node, 2, undefined]);
    await publishStatus({ store: world.store, news: [world.node], all, now: world.now });
    expect(brief(pageOf(world))[1]).toEqual([world.node, 3, undefined]);
  });

  it("loses nobody's news where two write at once", async () => {
    const { world, all } = await published();
    const third = await world.snapshot();
    let races = 0;
    const raced: Reader & Replacer = {
      ...world.store,
      replace: async (name, bytes, etag) => {
        races += 1;
        if (races === 1) {
          await indexSnapshots({ store: world.store, node: world.node, ids: [third.core.snapshot] });
          await publishStatus({ store: world.store, news: [world.node], all, now: world.now });
        }
        return world.store.replace(name, bytes, etag);
      },
    };
    await publishStatus({ store: raced, news: [world.node, OTHER], all, now: world.now });
    expect(races).toBe(2);
    expect(brief(pageOf(world))[1]).toEqual([world.node, 3, undefined]);
  });

  it.each([
    ["no page at all", "<html></html>"],
    ["no packed data", '<script type="text/plain" id="data">!!!</script>'],
    [
      "fields of another kind",
      `<script type="text/plain" id="data">${deflateRawSync('{"nodes":[{"node":"icon","alarms":[[1]]}]}').toString("base64")} AA==</script>`,
    ],
    [
      "a history that ends the element",
      `<script type="text/plain" id="data">${deflateRawSync('{"nodes":[{"node":"icon"}]}').toString("base64")} "><script>alert(1)</script>`,
    ],
  ])("is made anew where somebody put something else there: %s", async (_, text) => {
    const { world, all } = await published();
    const there = await world.store.head(names.STATUS_PAGE);
    await world.store.replace(names.STATUS_PAGE, Buffer.from(text), there?.etag ?? null);
    expect(readPage(bytesOf(world))).toBeNull();
    await publishStatus({ store: world.store, news: [OTHER], all, now: world.now });
    expect(brief(pageOf(world)).map(([node]) => node)).toEqual(["other", world.node]);
  });

  it("is written by the indexer after the index; a page that fails brings no card back", async () => {
    const world = await cardWorld();
    const card = await world.snapshot();
    const tell = keepingTeller();
    const settings = settingsOf({
      format: 1,
      nodes: [{ name: "icon", at: "00:00", stale_after: "26h", reread_days: 30 }],
    });
    const told: (readonly string[])[] = [];
    const on = { store: { ...world.store, url: "s3://vault-bucket/nodes" }, settings, tell, send: async () => {} };
    const records = [recordOf("vault-bucket", `nodes/${names.card(world.node, card.core.snapshot)}`)];
    await indexBatch({ ...on, publish: async (news) => void told.push(news) }, records);
    expect(told).toEqual([["icon"]]);
    const failing = async () => {
      throw new Error("not now");
    };
    expect(await indexBatch({ ...on, publish: failing }, records)).toEqual({ batchItemFailures: [] });
  });

  it("is answered by the presenter: to the owner as it lies there, for a ticket of what that covers", async () => {
    const { world, ids } = await published();
    const present = makePresenter({
      store: world.store,
      nodes: async () => [world.node],
      sign: (name) => ({ url: name, expires: world.now }),
      tickets: mac,
      standards: () => STANDARDS,
      clock: { now: () => world.now },
      audit: () => {},
    });
    const ask = async (who: object) => {
      const { status, headers, body } = await present({ method: "GET", path: "/status.html", query: "", ...who });
      return { status, headers, nodes: readPage(Buffer.from(body)) ?? [] };
    };
    const owner = await ask({ caller: "arn:aws:iam::1:role/r" });
    expect(owner.nodes.map(({ node }) => node)).toEqual(["other", world.node]);
    expect(owner.headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `${PAGE_POLICY}; frame-ancestors 'none'`,
      "cache-control": "no-store",
    });
    const ticket = async (more: object) => {
      const issue = {
        store: world.store,
        signer: mac,
        node: world.node,
        kind: "restore",
        lastsMs: HOUR,
        now: world.now,
      } as const;
      const { text } = await issueTicket({ ...issue, ...more });
      return ask({ authorization: `Bearer ${text}` });
    };
    expect(brief((await ticket({})).nodes)).toEqual([[world.node, 2, undefined]]);
    const one = await ticket({ snapshot: ids[0] });
    expect(brief(one.nodes)).toEqual([[world.node, 1, undefined]]);
    expect(JSON.stringify(one.nodes)).not.toContain(ids[1]);
    expect((await ask({})).status).toBe(401);
  });
});
