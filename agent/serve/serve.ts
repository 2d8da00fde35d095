import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { type AuditLine, makePresenter, type Presenter, type Standards } from "../../keeper/index.ts";
import type { Clock } from "../../posix/clock.ts";
import { ColdkeepError, messageOf, type NodeName, systemCode } from "../../vault/names/index.ts";
import type { Creator, Reader } from "../../vault/store/facets.ts";
import type { TicketChecker } from "../../vault/ticket/index.ts";
import { sendObject } from "./objects.ts";
import { makePatience } from "./patience.ts";
import { OBJECTS, urlSigner } from "./signed-urls.ts";

export interface ServeOptions {
  readonly store: Reader & Creator;
  readonly nodes: readonly NodeName[];
  readonly tickets: TicketChecker;
  /** By what a node is judged in the status page. */
  readonly standards: (node: NodeName) => Standards | undefined;
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** PEM, both; without them HTTP is spoken, for a proxy before it. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  readonly clock: Clock;
  readonly audit: (line: AuditLine) => void;
}

export interface Serving {
  /** `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes no more requests, and ends those under way. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 256;
/** Answers from so many bytes on are compressed, where that is understood. */
const COMPRESS_FROM = 16 << 10;

/** Answers the restore API over HTTP, from any vault. @throws ColdkeepError `config` where it cannot listen. */
export async function serve(o: ServeOptions): Promise<Serving> {
  const urls = urlSigner();
  const present = makePresenter({
    store: o.store,
    nodes: async () => o.nodes,
    tickets: o.tickets,
    standards: o.standards,
    clock: o.clock,
    audit: o.audit,
    sign: (name, ms) => {
      const expires = o.clock.now() + ms;
      return { url: urls.sign(name, expires), expires };
    },
  });
  const patience = makePatience(o.clock);
  const listener: RequestListener = (request, answer) => {
    respond(request, answer).catch((error: unknown) => {
      // Headers are out or the other side is gone: the connection is all that is left to end.
      o.audit({ event: "failed", who: "nobody", path: pathOf(request)[0].slice(0, 200), why: messageOf(error) });
      answer.destroy();
    });
  };
  const respond = async (request: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const [path, query] = pathOf(request);
    const from = request.socket.remoteAddress ?? "";
    if (!patience.has(from)) {
      answer.writeHead(429, { "retry-after": "60", "content-length": 0 }).end();
      return;
    }
    if (path.startsWith(OBJECTS) && request.method === "GET") {
      const name = urls.open(path, query, o.clock.now());
      if (name !== null) return sendObject(o.store, name, request.headers.range, answer);
      answer.writeHead(403, { "content-length": 0 }).end();
      return;
    }
    const status = await answerApi(present, request, path, query, answer);
    if (status === 401) patience.spend(from);
  };
  const server = o.tls === undefined ? createServer(listener) : tlsServer(o.tls, listener);
  server.maxConnections = MAX_CONNECTIONS;
  server.headersTimeout = 20_000;
  server.requestTimeout = 60_000;
  await listen(server, o);
  const { address, port, family } = server.address() as AddressInfo;
  const host = family === "IPv6" ? `[${address}]` : address;
  return {
    url: `${o.tls === undefined ? "http" : "https"}://${host}:${port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function answerApi(
  present: Presenter,
  request: IncomingMessage,
  path: string,
  query: string,
  answer: ServerResponse,
): Promise<number> {
  const { authorization } = request.headers;
  const { status, headers, body } = await present({
    method: request.method ?? "",
    path,
    query,
    ...(authorization === undefined ? {} : { authorization }),
  });
  const bytes = Buffer.from(body);
  const takes = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  const small = takes && bytes.length >= COMPRESS_FROM;
  const sent = small ? gzipSync(bytes) : bytes;
  answer.writeHead(status, {
    ...headers,
    ...(small ? { "content-encoding": "gzip" } : {}),
    "content-length": sent.length,
  });
  answer.end(sent);
  return status;
}

function pathOf(request: IncomingMessage): readonly [path: string, query: string] {
  const text = request.url ?? "/";
  const at = text.indexOf("?");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function tlsServer(tls: NonNullable<ServeOptions["tls"]>, listener: RequestListener): Server {
  try {
    return createTlsServer({ ...tls, minVersion: "TLSv1.2" }, listener);
  } catch (error) {
    throw new ColdkeepError("config", {
      what: "cannot use the certificate",
      why: messageOf(error),
      todo: "--tls-cert wants the certificate and those above it, --tls-key its private key, both as PEM",
    });
  }
}

function listen(server: Server, { host, port }: ServeOptions): Promise<void> {
  return new Promise((done, failed) => {
    server.once("error", (error) => {
      failed(
        new ColdkeepError("config", {
          what: "cannot listen",
          on: `${host}:${port}`,
          why: systemCode(error) === "EADDRINUSE" ? "something else listens there" : messageOf(error),
          todo: "choose another place with --listen",
          cause: error,
        }),
      );
    });
    server.listen(port, host, () => done());
  });
}
