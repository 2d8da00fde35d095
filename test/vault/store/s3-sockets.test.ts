import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { request as requestTls } from "node:https";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect } from "../../../vault/store/s3/body.ts";
import { makeAgents } from "../../../vault/store/s3/sockets.ts";
import { HIDDEN_NAME, securedFront, startConnect } from "../../e2e/tls.ts";
import { tempDir } from "../../support/tmp.ts";

const MIB = 1 << 20;
/** No two stretches of it are alike. */
const content = (n: number) =>
  Buffer.from(Uint32Array.from({ length: MIB }, (_, i) => (i ^ (n << 24)) * 2654435761).buffer);

describe("bodies read from sockets whose memory is used again", () => {
  let server: Server;
  const { httpAgent } = makeAgents({ keepAlive: true, maxSockets: 8 });

  beforeAll(async () => {
    server = createServer((asked, answer) => {
      const [, n, kind] = /^\/(\d+)\/?(\w*)$/.exec(asked.url ?? "") ?? [];
      const bytes = content(Number(n));
      if (kind === "chunked") answer.write(bytes.subarray(0, 10));
      else answer.setHeader("content-length", bytes.length);
      if (kind === "close") answer.setHeader("connection", "close");
      if (kind === "cut") answer.write(bytes.subarray(0, MIB), () => answer.destroy());
      else answer.end(kind === "chunked" ? bytes.subarray(10) : bytes);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  });

  afterAll(() => {
    httpAgent.destroy();
    server.close();
  });

  async function ask(path: string): Promise<IncomingMessage> {
    const { port } = server.address() as AddressInfo;
    const asked = request({ port, host: "127.0.0.1", path, agent: httpAgent }).end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    return answer;
  }

  const read = async (path: string, memory?: Uint8Array) =>
    collect(await ask(path), 4 * MIB, { memory, signal: new AbortController().signal });

  it.each(["", "/chunked", "/close"])("are what was sent, one after the other and many at once: %s", async (kind) => {
    for (const n of [1, 2, 3]) expect(content(n).equals(await read(`/${n}${kind}`))).toBe(true);
    const memories = [4, 5, 6, 7].map((n) => ({ n, memory: new Uint8Array(4 * MIB) }));
    const all = await Promise.all(memories.map(({ n, memory }) => read(`/${n}${kind}`, memory)));
    for (const [i, { n, memory }] of memories.entries()) {
      expect(all[i]?.buffer).toBe(memory.buffer);
      expect(content(n).equals(all[i] ?? memory)).toBe(true);
    }
  });

  it("are whole where nobody listens for a while, and others come by the same agent meanwhile", async () => {
    const late = await ask("/8");
    for (const n of [1, 2]) expect(content(n).equals(await read(`/${n}`))).toBe(true);
    await setImmediate();
    expect(content(8).equals(await collect(late, 4 * MIB))).toBe(true);
  });

  it("that somebody else reads may be kept", async () => {
    const pieces: Buffer[] = [];
    for await (const piece of await ask("/9")) pieces.push(piece as Buffer);
    await read("/1");
    expect(content(9).equals(Buffer.concat(pieces))).toBe(true);
  });

  it("end in an error where they are cut off", async () => {
    await expect(read("/3/cut")).rejects.toThrow();
    expect(content(1).equals(await read("/1"))).toBe(true);
  });

  it("are what was sent behind TLS as well, and through a proxy", async () => {
    const { port } = server.address() as AddressInfo;
    const secured = await securedFront(`http://127.0.0.1:${port}`, tempDir());
    const proxy = await startConnect(secured.port);
    const HTTPS_PROXY = `http://127.0.0.1:${proxy.port}`;
    for (const proxyEnv of [{}, { HTTPS_PROXY }]) {
      const { httpsAgent: agent } = makeAgents({ keepAlive: true, ca: readFileSync(secured.ca), proxyEnv });
      const where = { port: secured.port, host: "127.0.0.1", servername: HIDDEN_NAME, agent };
      for (const n of [1, 2]) {
        const asked = requestTls({ ...where, path: `/${n}` }).end();
        const [answer] = (await once(asked, "response")) as [IncomingMessage];
        expect(content(n).equals(await collect(answer, 4 * MIB))).toBe(true);
      }
      agent.destroy();
    }
    expect(proxy.asked.length).toBeGreaterThan(0);
  });

  it("give back the memory of each piece at once", async () => {
    const answer = await ask("/2");
    const pieces: Buffer[] = [];
    const done = collect(answer, 4 * MIB);
    answer.prependListener("data", (piece: Buffer) => pieces.push(piece));
    expect(content(2).equals(await done)).toBe(true);
    expect(pieces.length).toBeGreaterThan(0);
    expect(pieces.every(({ length }) => length === 0)).toBe(true);
  });
});

it("a body that comes from no socket keeps its memory", async () => {
  const body = new PassThrough();
  const piece = new Uint8Array([1, 2, 3]);
  body.end(piece);
  expect([...(await collect(body, 3))]).toEqual([1, 2, 3]);
  expect([...piece]).toEqual([1, 2, 3]);
});
