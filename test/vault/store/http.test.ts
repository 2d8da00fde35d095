import { describe, expect, it, vi } from "vitest";
import { isColdkeepError, makeSnapshotId, names, toNodeName } from "../../../vault/names/index.ts";
import { awsAuthorize } from "../../../vault/store/http/aws.ts";
import { httpReader } from "../../../vault/store/http/reader.ts";
import { httpClient } from "../../../vault/store/http/request.ts";
import { openHttpStore } from "../../../vault/store/index.ts";
import { putObject } from "../../support/cards.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { type ServedObjects, serveObjects } from "../../support/served-objects.ts";

const NODE = toNodeName("n");
const ID = makeSnapshotId(Date.UTC(2026, 0, 1), Buffer.alloc(8, 1));
const card = names.card(NODE, ID);
const pack = (index: number) => names.pack(NODE, ID, index);

async function served(packs: number, change: Partial<ServedObjects> = {}) {
  const store = memoryStore(() => Date.UTC(2026, 0, 1));
  await putObject(store, card, Buffer.from("a card"));
  for (let i = 0; i < packs; i += 1) await putObject(store, pack(i), Buffer.from(`pack ${i}`));
  const objects = Object.assign(await serveObjects(store), change);
  const clock = { time: 0, monotonic: () => clock.time };
  const reader = httpReader(objects.api, httpClient({}), NODE, clock);
  const read = async (name: string) => Buffer.from((await reader.get(name))?.bytes ?? []).toString();
  return { store, objects, clock, reader, read };
}

describe("reading through a presenter", () => {
  it("asks for pages only as far as names need them, and each once however many ask at a time", async () => {
    const { objects, read, reader } = await served(20, { perPage: 5 });
    expect(await reader.get(pack(0)), "no plan was asked for yet").toBeNull();
    await Promise.all([read(card), read(card), read(card)]);
    // In the order of names the data come first, the card last.
    expect(objects.asked.pages).toHaveLength(5);
    const texts = await Promise.all(Array.from({ length: 20 }, (_, i) => read(pack(i))));
    expect(texts).toEqual(Array.from({ length: 20 }, (_, i) => `pack ${i}`));
    expect(objects.asked.pages).toHaveLength(5);
    expect(await reader.get(names.pack(NODE, ID, 99))).toBeNull();
  });

  it("renews a page before its URLs end, by this host's monotonic clock", async () => {
    const { objects, clock, read } = await served(3);
    await read(card);
    clock.time = 860_000;
    await read(pack(1));
    expect(objects.asked.pages).toHaveLength(1);
    objects.signature = "2";
    clock.time = 870_000;
    expect(await read(pack(1))).toBe("pack 1");
    expect(objects.asked.pages).toHaveLength(2);
    expect(objects.asked.objects).toHaveLength(3);
  });

  it("renews a URL that is refused, as after a restart of the server, once", async () => {
    const { objects, read, reader } = await served(3);
    await read(card);
    objects.signature = "2";
    expect(await read(pack(1))).toBe("pack 1");
    expect(await read(pack(2))).toBe("pack 2");
    expect(objects.asked.pages).toHaveLength(2);
    const { api } = objects;
    const stuck = {
      ...api,
      get: async (path: string, max: number) => {
        const page = await api.get(path, max);
        return page === null ? null : Buffer.from(page.toString().replaceAll("s=2", "s=3"));
      },
    };
    const refused = httpReader(stuck, httpClient({}), NODE, { monotonic: () => 0 }).get(card);
    await expect(refused).rejects.toSatisfy((e) => isColdkeepError(e, "permission"));
    expect(await reader.get(card)).not.toBeNull();
  });

  it("keeps the URLs of some pages only, and gets the others again", async () => {
    const { objects, read } = await served(100, { perPage: 2 });
    await read(card);
    const pages = objects.asked.pages.length;
    expect(await read(pack(0))).toBe("pack 0");
    expect(objects.asked.pages).toHaveLength(pages + 1);
    expect(await read(pack(1))).toBe("pack 1");
    expect(objects.asked.pages).toHaveLength(pages + 1);
  });

  it("refuses plans that are none: no JSON, foreign URLs, names that climb, pages without end", async () => {
    const base = { page: `${"a".repeat(16)}.0`, expires_in: 900, objects: [{ name: card, url: "/x" }] };
    const wrong = [
      "no json",
      "[]",
      { ...base, page: "../x" },
      { ...base, expires_in: -1 },
      { ...base, expires_in: "900" },
      { ...base, next: base.page },
      { ...base, objects: [{ name: "../x", url: "/x" }] },
      { ...base, objects: [{ name: card, url: "file:///etc/passwd" }] },
      { ...base, objects: [{ name: card, url: "ftp://h/x" }] },
      { ...base, objects: [], next: `${"a".repeat(16)}.1` },
      { ...base, objects: Array.from({ length: 501 }, (_, i) => ({ name: `n/${i}`, url: "/x" })) },
    ];
    for (const plan of wrong) {
      const text = typeof plan === "string" ? plan : JSON.stringify(plan);
      const api = { base: new URL("http://127.0.0.1:1/"), get: async () => Buffer.from(text) };
      const reader = httpReader(api, httpClient({}), NODE, { monotonic: () => 0 });
      await expect(reader.head(card), text.slice(0, 60)).rejects.toSatisfy((e) => isColdkeepError(e, "integrity"));
    }
    const api = {
      base: new URL("https://127.0.0.1:1/"),
      get: async () => Buffer.from(JSON.stringify({ ...base, objects: [{ name: card, url: "http://elsewhere/x" }] })),
    };
    const clear = httpReader(api, httpClient({}), NODE, { monotonic: () => 0 }).head(card);
    await expect(clear).rejects.toSatisfy((e) => isColdkeepError(e, "integrity"));
  });

  it("takes what a presenter of a newer version adds to its plan, and does without what an older one leaves out", async () => {
    const { objects } = await served(3);
    const { api } = objects;
    const other = {
      ...api,
      get: async (path: string, max: number) => {
        const bytes = await api.get(path, max);
        if (bytes === null || !path.includes("/plan")) return bytes;
        const { page, next, expires_in, objects: named } = JSON.parse(bytes.toString()) as Record<string, unknown>;
        const more = (named as object[]).map((one) => ({ ...one, warmth: "cold" }));
        return Buffer.from(JSON.stringify({ of_next_year: { a: [1] }, page, next, expires_in, objects: more }));
      },
    };
    const reader = httpReader(other, httpClient({}), NODE, { monotonic: () => 0 });
    await reader.get(card);
    expect(Buffer.from((await reader.get(pack(2)))?.bytes ?? []).toString()).toBe("pack 2");
  });

  it("sends a ticket over https, and over http to this machine only", async () => {
    const clock = { now: () => 0, monotonic: () => 0 };
    const open = (from: string) => openHttpStore(from, { node: NODE, ticket: "ckt1.x.y", clock, env: {} });
    for (const from of [
      "http://example.com",
      "ftp://127.0.0.1",
      "127.0.0.1:80",
      "http://127.0.0.1.example.com/",
      "https://u:p@h/",
      "https://h/?t=1",
      "",
    ]) {
      await expect(open(from), from).rejects.toSatisfy((e) => isColdkeepError(e, "usage"));
    }
    for (const from of ["https://h", "http://127.0.0.1:1", "http://[::1]:1/p", "http://localhost:1"]) await open(from);
  });

  it("tells a server that is not there as what may pass", async () => {
    const clock = { now: () => 0, monotonic: () => 0 };
    const store = await openHttpStore("http://127.0.0.1:1", { node: NODE, ticket: "ckt1.x.y", clock, env: {} });
    await expect(store.get(card)).rejects.toSatisfy((e) => isColdkeepError(e, "vault") && e.retryable);
  });
});

describe("requests signed for AWS", () => {
  it.each([
    ["https://abc.lambda-url.eu-central-1.on.aws/", "eu-central-1/lambda"],
    ["https://abc.execute-api.us-gov-west-1.amazonaws.com/", "us-gov-west-1/execute-api"],
  ])("are for the service and region that answer at %s", async (from, scope) => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    const headers = await awsAuthorize(new URL(from), undefined, { now: () => Date.UTC(2026, 0, 1) })(new URL(from));
    vi.unstubAllEnvs();
    expect(headers.authorization).toContain(`Credential=test/20260101/${scope}/aws4_request`);
  });
});
