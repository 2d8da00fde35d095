import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";
import { sendObject } from "../../agent/serve/objects.ts";
import type { Store } from "../../vault/store/facets.ts";
import type { PresenterApi } from "../../vault/store/http/api.ts";

/** What a server of objects is asked for: paths are names, the query is what the URL was signed with. */
export interface ServedObjects {
  readonly api: PresenterApi;
  /** Signs URLs with this from now on; URLs signed with anything else are refused. */
  signature: string;
  /** Seconds that a page says its URLs are good. */
  expiresIn: number;
  /** Pages and objects that were asked for. */
  readonly asked: { pages: string[]; objects: string[] };
  /** Objects a page. */
  perPage: number;
}

/** A real HTTP server of whatever lies in `store`, and a presenter whose plan of any snapshot is all of it. */
export async function serveObjects(store: Store): Promise<ServedObjects> {
  const server = createServer((request, answer) => {
    const url = new URL(request.url ?? "/", "http://x");
    const name = url.pathname.slice(1);
    served.asked.objects.push(name);
    if (url.searchParams.get("s") !== served.signature) answer.writeHead(403).end();
    else void sendObject(store, name, request.headers.range, answer);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const cursor = (at: number) => `${"a".repeat(16)}.${at}`;
  const served: ServedObjects = {
    signature: "1",
    expiresIn: 900,
    perPage: 500,
    asked: { pages: [], objects: [] },
    api: {
      base,
      get: async (path) => {
        served.asked.pages.push(path);
        if (!path.includes("/plan")) return null;
        const names: string[] = [];
        for await (const { name } of store.list("")) names.push(name);
        const start = Number(/page=a+\.(\d+)/.exec(path)?.[1] ?? 0);
        const end = start + served.perPage;
        const objects = names.slice(start, end).map((name) => ({ name, url: `/${name}?s=${served.signature}` }));
        const next = end < names.length ? { next: cursor(end) } : {};
        return Buffer.from(JSON.stringify({ page: cursor(start), expires_in: served.expiresIn, objects, ...next }));
      },
    },
  };
  return served;
}
