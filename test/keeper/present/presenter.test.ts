import { describe, expect, it } from "vitest";
import type { AuditLine, PresenterPort } from "../../../keeper/index.ts";
import {
  collectGarbage,
  indexSnapshots,
  issueTicket,
  makePresenter,
  markSnapshot,
  retainSnapshots,
  revokeTicket,
} from "../../../keeper/index.ts";
import { PRESENTER_ROUTES } from "../../../lambdas/presenter/contract.ts";
import { type Card, canonicalBytes } from "../../../vault/card/index.ts";
import { names } from "../../../vault/names/index.ts";
import { localTicketMac } from "../../../vault/ticket/index.ts";
import { type CardWorld, cardWorld, START, usesOf } from "../../support/cards.ts";
import { slowArchive } from "../../support/slow-archive.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const mac = localTicketMac(Buffer.alloc(32, 5));
const idOf = (card: Card) => card.core.snapshot;

interface Asked {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many forms, each looked at by its test
  readonly body: any;
}

function presenting(world: CardWorld, change: Partial<PresenterPort> = {}) {
  const lines: AuditLine[] = [];
  const present = makePresenter({
    store: world.store,
    nodes: async () => [world.node],
    sign: (name, ms) => ({ url: `https://vault.example/${name}?signed`, expires: world.now + ms }),
    tickets: mac,
    clock: { now: () => world.now },
    audit: (line) => lines.push(line),
    ...change,
  });
  const ask = async (address: string, ticket?: string, method = "GET"): Promise<Asked> => {
    const [path = "", query = ""] = address.split("?", 2);
    const authorization = ticket === undefined ? {} : { authorization: `Bearer ${ticket}` };
    const { status, headers, body } = await present({ method, path, query, ...authorization });
    const text = typeof body === "string" ? body : Buffer.from(body).toString("utf8");
    return { status, headers, text, body: headers["content-type"] === "application/json" ? JSON.parse(text) : text };
  };
  const asCaller = async (address: string) => {
    const [path = "", query = ""] = address.split("?", 2);
    const { status, body } = await present({ method: "GET", path, query, caller: "arn:aws:iam::1:role/r" });
    return { status, body: JSON.parse(String(body)) };
  };
  return { ask, asCaller, lines };
}

async function twoSnapshots() {
  const world = await cardWorld();
  const first = await world.snapshot({ packs: 3 });
  const second = await world.snapshot({ parent: idOf(first), inherited: usesOf(first) });
  await indexSnapshots({ store: world.store, node: world.node, ids: [idOf(first), idOf(second)] });
  return { world, first, second };
}

const ticketOf = (world: CardWorld, more = {}) =>
  issueTicket({
    store: world.store,
    signer: mac,
    node: world.node,
    kind: "restore",
    lastsMs: DAY,
    now: world.now,
    ...more,
  });

async function planOf(ask: (address: string) => Promise<Asked>, node: string, id: string) {
  const pages: Asked[] = [];
  let next: string | undefined = "";
  while (next !== undefined) {
    const page: Asked = await ask(`/nodes/${node}/snapshots/${id}/plan${next === "" ? "" : `?page=${next}`}`);
    expect(page.status, page.text).toBe(200);
    pages.push(page);
    next = page.body.next;
  }
  return pages;
}

describe("the presenter", () => {
  it("answers what a ticket of the node covers", async () => {
    const { world, second } = await twoSnapshots();
    const { text } = await ticketOf(world);
    const { ask, lines } = presenting(world);
    expect((await ask("/nodes", text)).body).toEqual({ nodes: ["icon"] });
    expect((await ask("/nodes/icon", text)).text).toBe(
      Buffer.from(world.store.objects.get("icon/node.json")?.bytes ?? []).toString(),
    );
    expect((await ask("/nodes/icon/snapshots", text)).text).toBe(
      Buffer.from(world.store.objects.get("icon/index.json")?.bytes ?? []).toString(),
    );
    expect((await ask("/nodes/icon/latest", text)).body.snapshot.snapshot).toBe(idOf(second));
    const script = await ask(`/nodes/icon/latest/restore.sh?agent=${"a".repeat(64)}`, text);
    expect(script.text).toContain("#!/bin/sh");
    const [page] = await planOf((address) => ask(address, text), "icon", idOf(second));
    expect(page?.body).toMatchObject({ vault: world.vault, node: "icon", snapshot: idOf(second), expires_in: 900 });
    expect(lines).toMatchObject([{ event: "plan", objects: 11 }]);
    expect(JSON.stringify(lines)).not.toContain("ckt1.");
  });

  it("plans everything a restore reads, each once, whatever the pages' length", async () => {
    const world = await cardWorld();
    const first = await world.snapshot({ packs: 600 });
    const second = await world.snapshot({ parent: idOf(first), inherited: usesOf(first) });
    await indexSnapshots({ store: world.store, node: world.node, ids: [idOf(first), idOf(second)] });
    const { text } = await ticketOf(world);
    const { ask } = presenting(world);
    const pages = await planOf((address) => ask(address, text), "icon", idOf(second));
    expect(pages.map(({ body }) => body.objects.length)).toEqual([500, 108]);
    const planned = pages.flatMap(({ body }) => body.objects as { name: string; url: string }[]);
    expect(planned.map(({ name }) => name)).toEqual([
      names.card(world.node, idOf(second)),
      names.begin(world.node, idOf(second)),
      names.originRecord(world.node, idOf(second)),
      names.keyJson(world.node, idOf(second)),
      names.keyJson(world.node, idOf(first)),
      names.manifest(world.node, idOf(second)),
      ...Array.from({ length: 600 }, (_, i) => names.pack(world.node, idOf(first), i)),
      ...[0, 1].map((i) => names.pack(world.node, idOf(second), i)),
    ]);
    for (const { name, url } of planned) expect(url).toBe(`https://vault.example/${name}?signed`);
    const again = await ask(`/nodes/icon/snapshots/${idOf(second)}/plan?page=${pages[1]?.body.page}`, text);
    expect(again.body.objects).toEqual(pages[1]?.body.objects);
    const cursor = await ask(`/nodes/icon/snapshots/${idOf(first)}/plan?page=${pages[1]?.body.page}`, text);
    expect(cursor.status).toBe(400);
  });

  it("keeps a page below a megabyte, however long its URLs are", async () => {
    const world = await cardWorld();
    const card = await world.snapshot({ packs: 600 });
    await indexSnapshots({ store: world.store, node: world.node, ids: [idOf(card)] });
    const sign = (name: string) => ({ url: `https://vault.example/${name}?${"t".repeat(3000)}`, expires: world.now });
    const { asCaller } = presenting(world, { sign });
    const page = await asCaller(`/nodes/icon/snapshots/${idOf(card)}/plan`);
    expect(JSON.stringify(page.body).length).toBeLessThan(1_000_000);
    expect(page.body.next).toBeDefined();
  });

  it("gives URLs no longer than a quarter of an hour, nor than the ticket", async () => {
    const { world, second } = await twoSnapshots();
    const { text } = await ticketOf(world, { lastsMs: 5 * 60_000 });
    const { ask } = presenting(world);
    const path = `/nodes/icon/snapshots/${idOf(second)}/plan`;
    expect((await ask(path, text)).body.expires_in).toBe(300);
    world.now += 4 * 60_000;
    expect((await ask(path, text)).body.expires_in).toBe(60);
  });

  it("gives a share the keys of its share and none of the node", async () => {
    const { world, second } = await twoSnapshots();
    const { text, ticket } = await ticketOf(world, { kind: "share", snapshot: idOf(second) });
    const { ask } = presenting(world);
    const [page] = await planOf((address) => ask(address, text), "icon", idOf(second));
    const planned: string[] = page?.body.objects.map(({ name }: { name: string }) => name);
    expect(planned).toContain(names.share(world.node, ticket.tid));
    expect(planned.filter((name) => name.endsWith("key.json"))).toEqual([]);
  });

  it("shows callers whom the platform has proven all nodes", async () => {
    const { world } = await twoSnapshots();
    const { asCaller } = presenting(world, { tickets: null });
    expect((await asCaller("/nodes")).body).toEqual({ nodes: ["icon"] });
    expect((await asCaller("/nodes/icon/latest")).status).toBe(200);
  });

  it("limits a ticket to its snapshot, and to numbers from its own on", async () => {
    const { world, first, second } = await twoSnapshots();
    const one = await ticketOf(world, { snapshot: idOf(first) });
    const { ask } = presenting(world);
    expect((await ask("/nodes/icon/latest", one.text)).body.snapshot.snapshot).toBe(idOf(first));
    const list = await ask("/nodes/icon/snapshots", one.text);
    expect(list.body.snapshots.map((entry: { snapshot: string }) => entry.snapshot)).toEqual([idOf(first)]);
    const other = await ask(`/nodes/icon/snapshots/${idOf(second)}/plan`, one.text);
    expect([other.status, other.body]).toEqual([
      403,
      { error: "the ticket does not cover this; it is for another snapshot" },
    ]);
    const newer = await ticketOf(world, { minSeq: 2 });
    expect((await ask(`/nodes/icon/snapshots/${idOf(first)}/plan`, newer.text)).status).toBe(403);
    expect((await ask(`/nodes/icon/snapshots/${idOf(second)}/plan`, newer.text)).status).toBe(200);
    const newest = await ticketOf(world, { minSeq: 3 });
    expect((await ask("/nodes/icon/latest", newest.text)).status).toBe(404);
  });
});

describe("the presenter refuses", () => {
  it("whoever has no ticket, before anything is read", async () => {
    const { world } = await twoSnapshots();
    let reads = 0;
    const store = {
      ...world.store,
      get: async () => {
        reads += 1;
        return null;
      },
      head: async () => {
        reads += 1;
        return null;
      },
    };
    const { ask } = presenting(world, { store });
    for (const path of ["/nodes", "/nodes/icon/latest", "/openapi.json", "/nothing", "/../x"]) {
      const { status, headers } = await ask(path);
      expect([status, headers["www-authenticate"]]).toEqual([401, "Bearer"]);
      expect((await ask(path, "ckt1.AAAA.BBBB")).status).toBe(401);
    }
    expect(reads).toBe(0);
  });

  it("a ticket that has ended, is of later, is of another node or archive, or was signed by another key", async () => {
    const { world } = await twoSnapshots();
    const { text } = await ticketOf(world);
    const { ask, lines } = presenting(world);
    const asked = async (address = "/nodes/icon/latest") => {
      const { status, body } = await ask(address, text);
      return [status, body.error];
    };
    expect((await asked("/nodes/eth/latest"))[0]).toBe(403);
    world.now += DAY;
    expect(await asked()).toEqual([401, expect.stringContaining("it ended at")]);
    world.now -= DAY + 6 * 60_000;
    expect(await asked()).toEqual([401, expect.stringContaining("Set the clocks")]);
    world.now += 2 * 60_000;
    expect((await asked())[0]).toBe(200);
    const forged = await issueTicket({ ...options(world), signer: localTicketMac(Buffer.alloc(32, 6)) });
    expect((await ask("/nodes/icon/latest", forged.text)).status).toBe(401);
    const elsewhere = await cardWorld();
    elsewhere.now = world.now;
    elsewhere.store.plant("icon/node.json", planted(world));
    const { ask: there } = presenting(elsewhere);
    elsewhere.store.plant(
      names.REVOKED_TICKETS,
      world.store.objects.get(names.REVOKED_TICKETS)?.bytes ?? new Uint8Array(0),
    );
    expect((await there("/nodes/icon/latest", text)).status).toBe(500);
    expect(JSON.stringify(lines)).not.toContain("ckt1");
  });

  it("a revoked ticket, within a minute, and every ticket where revocations cannot be read", async () => {
    const { world } = await twoSnapshots();
    const one = await ticketOf(world);
    const other = await ticketOf(world);
    const { ask } = presenting(world);
    expect((await ask("/nodes", one.text)).status).toBe(200);
    await revokeTicket(world.store, one.ticket.tid, world.now);
    world.now += 60_000;
    expect((await ask("/nodes", one.text)).body.error).toContain("it was revoked");
    expect((await ask("/nodes", other.text)).status).toBe(200);
    for (const bytes of [Buffer.from("{}"), null]) {
      if (bytes === null) world.store.objects.delete(names.REVOKED_TICKETS);
      else world.store.plant(names.REVOKED_TICKETS, bytes);
      world.now += 60_000;
      expect((await ask("/nodes", other.text)).status).toBe(503);
    }
  });

  it("paths that climb, hide, are encoded, doubled, too long or unknown, and says nothing of the vault", async () => {
    const { world, second } = await twoSnapshots();
    const { text } = await ticketOf(world);
    const { ask } = presenting(world);
    const odd = [
      ["/nodes/../vault.json", 400],
      ["/nodes/%2e%2e/latest", 400],
      ["/nodes/icon%2Flatest", 400],
      ["//nodes", 400],
      ["/nodes/icon//latest", 400],
      ["/nodes/icon/./latest", 400],
      ["/nodes/icon/latest/", 400],
      ["/nodes/icon\\latest", 400],
      [`/nodes/${"a".repeat(600)}`, 400],
      ["/nodes/ICON/latest", 404],
      ["/nodes/tickets", 404],
      ["/", 400],
      ["/nodes/icon/oldest", 404],
      ["/nodes/icon/snapshots/latest/plan", 404],
      ["/nodes/icon/snapshots/20260101T000000Z-0000000000000099/plan", 404],
      ["/nodes/icon/latest/restore.sh", 400],
      ["/nodes/icon/latest/restore.sh?agent=xyz", 400],
      ["/nodes/icon/latest?x=1", 400],
      ["/nodes/icon/snapshots?month=2026-01&month=2026-02", 400],
      ["/nodes/icon/snapshots?month=1999-01", 404],
      [`/nodes/icon/snapshots?month=${"1".repeat(10_000)}`, 400],
      [`/nodes/icon/snapshots/${idOf(second)}/plan?page=zzz`, 400],
      [`/nodes/icon/snapshots/${idOf(second)}/plan?page=../../x`, 400],
      [`/agents/${"a".repeat(64)}`, 404],
      ["/agents/vault.json", 404],
    ] as const;
    for (const [address, status] of odd) {
      const found = await ask(address, text);
      expect([address, found.status]).toEqual([address, status]);
      expect(found.text).not.toMatch(/2026\d{4}T|data\/|\.ts/);
    }
    for (const method of ["POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]) {
      expect((await ask("/nodes", text, method)).status).toBe(405);
    }
  });

  it("tells the log, and nobody else, what is wrong with the vault", async () => {
    const { world, second } = await twoSnapshots();
    const { text } = await ticketOf(world);
    const { ask, lines } = presenting(world);
    world.store.plant("icon/node.json", Buffer.from("secret of the vault"));
    const { status, body } = await ask(`/nodes/icon/snapshots/${idOf(second)}/plan`, text);
    expect([status, body]).toEqual([500, { error: "the vault could not be read; the log tells why" }]);
    expect(lines.at(-1)).toMatchObject({ event: "failed", why: expect.stringContaining("node.json") });
  });
});

describe("a restore that lasts", () => {
  it("keeps its snapshot from being deleted, although it expired meanwhile", async () => {
    const { world, first } = await twoSnapshots();
    const { ask, lines } = presenting(world);
    const { text } = await ticketOf(world, { lastsMs: 30 * DAY });
    const path = `/nodes/icon/snapshots/${idOf(first)}/plan`;
    expect((await ask(path, text)).body.pinned_until).toBe(Math.floor(world.now / DAY) * DAY + 2 * DAY);
    const tiers = { keep: { last: 1 }, within: {}, tags: [], timezone: "UTC", floor: 0, grace: 7 * DAY };
    const despite = new Set(["share", "anomaly", "clock"] as const);
    const common = {
      store: world.store,
      vault: world.vault,
      node: world.node,
      apply: true,
      grace: 7 * DAY,
      despite,
    } as const;
    await world.snapshot({ at: world.now + HOUR });
    world.now += HOUR;
    const third = await world.snapshot();
    await indexSnapshots({ store: world.store, node: world.node, ids: [idOf(third)] });
    expect((await retainSnapshots({ ...common, tiers, now: world.now })).expired).toContain(idOf(first));
    world.now += 7 * DAY + HOUR;
    const page = await ask(path, text);
    expect(page.body.expired).toBeLessThan(world.now - 7 * DAY);
    expect((await collectGarbage({ ...common, now: world.now })).collected).not.toContain(idOf(first));
    expect((await ask(path, text)).status).toBe(200);
    world.now += 3 * DAY;
    expect((await collectGarbage({ ...common, now: world.now })).collected).toContain(idOf(first));
    expect((await ask(path, text)).status).toBe(404);
    expect(lines.filter(({ event }) => event === "plan")).toHaveLength(3);
  });

  it("makes one pin a day and caller, however often it asks", async () => {
    const { world, second } = await twoSnapshots();
    const { text } = await ticketOf(world, { lastsMs: 3 * DAY });
    const pins = () => [...world.store.objects.keys()].filter((name) => name.startsWith("icon/pins/")).length;
    for (let i = 0; i < 3; i += 1) {
      await presenting(world).ask(`/nodes/icon/snapshots/${idOf(second)}/plan`, text);
      expect(pins()).toBe(1);
    }
    world.now += DAY;
    await presenting(world).ask(`/nodes/icon/snapshots/${idOf(second)}/plan`, text);
    expect(pins()).toBe(2);
  });

  it("goes on with the snapshot it began with when newer ones arrive", async () => {
    const { world, second } = await twoSnapshots();
    const { ask } = presenting(world);
    const { text } = await ticketOf(world);
    const [before] = await planOf((address) => ask(address, text), "icon", idOf(second));
    const third = await world.snapshot();
    await indexSnapshots({ store: world.store, node: world.node, ids: [idOf(third)] });
    await markSnapshot({
      store: world.store,
      node: world.node,
      snapshot: idOf(second),
      change: ({ pinned }) => ({ pinned, tags: ["x"] }),
    });
    const [after] = await planOf((address) => ask(address, text), "icon", idOf(second));
    expect(after?.body.objects).toEqual(before?.body.objects);
    expect((await ask("/nodes/icon/latest", text)).body.snapshot.snapshot).toBe(idOf(third));
  });
});

describe("the OpenAPI document", () => {
  it("names every route the presenter has, and what it answers", async () => {
    const { world, first, second } = await twoSnapshots();
    const { text } = await ticketOf(world);
    const archive = slowArchive(1);
    archive.freeze(names.pack(world.node, idOf(first), 0), 1);
    const { ask } = presenting(world, { archive: { of: archive, speed: "bulk" } });
    const { body: document } = await ask("/openapi.json", text);
    expect(Object.keys(document.paths).sort()).toEqual([...PRESENTER_ROUTES].sort());
    const agent = "b".repeat(64);
    world.store.plant(names.agentTarball(agent), Buffer.from("tar"));
    for (const [path, { get }] of Object.entries<{
      get: { responses: Record<string, { content?: object }>; parameters: { name: string; required?: boolean }[] };
    }>(document.paths)) {
      const values: Record<string, string> = { node: "icon", id: idOf(second), sha256: agent, agent };
      const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "?");
      const needed = get.parameters.filter((p) => p.required === true && !path.includes(`{${p.name}}`));
      const query = needed.map(({ name }) => `${name}=${values[name]}`).join("&");
      const found = await ask(query === "" ? filled : `${filled}?${query}`, text);
      const told = get.responses[String(found.status)];
      expect(told, `${path} answered ${found.status}`).toBeDefined();
      const [type, media] = Object.entries<{ schema: Schema }>((told?.content ?? {}) as never)[0] ?? [];
      if (type === undefined || media === undefined) continue;
      expect(found.headers["content-type"]).toContain(type);
      if (type === "application/json") expect(differences(media.schema, found.body, path)).toEqual([]);
    }
  });
});

interface Schema {
  readonly type: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

/** Where a value is not as its schema says; members that no schema names are differences, too. */
function differences(schema: Schema, value: unknown, at: string): string[] {
  const type = Array.isArray(value) ? "array" : Number.isSafeInteger(value) ? "integer" : typeof value;
  if (type !== schema.type) return [`${at} is ${type}, not ${schema.type}`];
  if (type === "array")
    return (value as unknown[]).flatMap((item, i) => differences(schema.items as Schema, item, `${at}/${i}`));
  if (schema.properties === undefined) return [];
  const members = value as Record<string, unknown>;
  const missing = (schema.required ?? []).filter((name) => !(name in members)).map((name) => `${at} lacks ${name}`);
  const rest = Object.entries(members).flatMap(([name, member]) => {
    const known = schema.properties?.[name];
    return known === undefined ? [`${at} has ${name}`] : differences(known, member, `${at}/${name}`);
  });
  return [...missing, ...rest];
}

const options = (world: CardWorld) =>
  ({ store: world.store, signer: mac, node: world.node, kind: "restore", lastsMs: DAY, now: world.now }) as const;

/** The same node's record, of another archive. */
function planted(world: CardWorld): Uint8Array {
  const record = JSON.parse(Buffer.from(world.store.objects.get("icon/node.json")?.bytes ?? []).toString());
  return canonicalBytes({ ...record, vault: Buffer.alloc(16, 8).toString("base64url"), created: START });
}
