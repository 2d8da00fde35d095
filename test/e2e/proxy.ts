import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** One call as it came by. */
export interface S3Call {
  readonly method: string;
  /** What it asks S3 for. */
  readonly kind: "GET" | "HEAD" | "PUT" | "DELETE" | "LIST" | "other";
  /** The key, or the name of the question asked of the bucket. */
  readonly key: string;
  readonly headers: IncomingMessage["headers"];
}

/** What the proxy does with a call. */
export type Act =
  | "pass"
  /** An answer of its own; nothing reaches the server. */
  | {
      readonly status: number;
      readonly code?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly more?: string;
    }
  /** The connection is reset before the server hears of it, or after it has done what it was asked. */
  | "reset-before"
  | "reset-after"
  /** The server's answer breaks off in the middle of its body. */
  | "reset-within"
  /** Nobody answers, or the answer's body never comes. */
  | "stall"
  | "stall-within"
  /** The answer trickles in pieces of a tenth, a moment apart. */
  | "trickle"
  /** The answer's body has one byte changed. */
  | "corrupt"
  /** Half of the call's body reaches the server, and then nothing more does. */
  | "cut-request"
  /** The call reaches the server twice, the second time once the first was answered; the second answer counts. */
  | "twice"
  /** The answer comes at so many bytes a second. */
  | { readonly bytesPerSecond: number }
  /** What was asked before is answered as it was then, where the proxy remembers. */
  | "stale"
  /** Objects are told to be so many milliseconds older than they are, by key. */
  | { readonly older: (key: string) => number }
  /** Headers taken out of the call on its way. It must then not be signed, or the server not look. */
  | { readonly without: readonly string[] };

export interface S3Proxy {
  readonly endpoint: string;
  /** All calls so far, in order. */
  readonly calls: S3Call[];
  /** Decides from now on what becomes of calls; `pass` at first. */
  behave(act: (call: S3Call, number: number) => Act): void;
  stop(): Promise<void>;
}

/** A small HTTP proxy in front of a real S3 server: counts calls, and does to them what networks and servers do. */
export async function startProxy(target: string, { remembers = false } = {}): Promise<S3Proxy> {
  const calls: S3Call[] = [];
  const earlier: Answers | null = remembers ? new Map() : null;
  let decide: (call: S3Call, number: number) => Act = () => "pass";
  const server = createServer((incoming, outgoing) => {
    const call = describe(incoming);
    calls.push(call);
    handle(decide(call, calls.length), incoming, outgoing, target, earlier).catch(() => outgoing.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a listening server has a port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    calls,
    behave: (act) => {
      decide = act;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function describe({ method = "", url = "", headers }: IncomingMessage): S3Call {
  const { pathname, searchParams } = new URL(url, "http://s3");
  const [, , ...parts] = pathname.split("/");
  const key = decodeURIComponent(parts.join("/"));
  if (key === "") {
    const kind = searchParams.has("list-type") || searchParams.has("versions") ? "LIST" : "other";
    return { method, kind, key: [...searchParams.keys()].join(" "), headers };
  }
  const known = ["GET", "HEAD", "PUT", "DELETE"] as const;
  return { method, kind: known.find((name) => name === method) ?? "other", key, headers };
}

/** The first answer to each question, by method and URL. */
type Answers = Map<string, { readonly found: IncomingMessage; readonly body: Buffer }>;

async function handle(
  act: Act,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: string,
  earlier: Answers | null,
): Promise<void> {
  if (act === "reset-before") return void incoming.socket.resetAndDestroy();
  if (act === "stall") return;
  if (typeof act === "object" && "status" in act) return void refuse(act, incoming, outgoing);
  const body = await bytesOf(incoming);
  const headers = { ...incoming.headers };
  if (typeof act === "object" && "without" in act) for (const name of act.without) delete headers[name];
  const ask = async () => {
    const forward = request(new URL(incoming.url ?? "/", target), { method: incoming.method, headers, setHost: false });
    if (act === "cut-request") {
      forward.on("error", () => {});
      forward.write(body.subarray(0, body.length >> 1), () => forward.destroy());
      return null;
    }
    forward.end(body);
    const [response] = (await once(forward, "response")) as [IncomingMessage];
    return { found: response, body: await bytesOf(response) };
  };
  if (act === "twice") await ask();
  const question = `${incoming.method} ${incoming.url}`;
  const reads = incoming.method === "GET" || incoming.method === "HEAD";
  const answer = (act === "stale" && reads ? earlier?.get(question) : undefined) ?? (await ask());
  if (answer === null) return void incoming.socket.resetAndDestroy();
  if (reads && earlier?.has(question) === false)
    earlier.set(question, { found: answer.found, body: Buffer.from(answer.body) });
  const { found } = answer;
  let answered: Buffer = Buffer.from(answer.body);
  if (typeof act === "object" && "older" in act) answered = makeOlder(act.older, incoming, found, answered);
  if (act === "reset-after") return void incoming.socket.resetAndDestroy();
  if (act === "corrupt" && answered.length > 0)
    answered[answered.length >> 1] = (answered[answered.length >> 1] ?? 0) ^ 1;
  outgoing.writeHead(found.statusCode ?? 500, found.headers);
  if (act === "stall-within" || act === "reset-within") {
    outgoing.write(answered.subarray(0, answered.length >> 1));
    if (act === "reset-within") setImmediate(() => incoming.socket.resetAndDestroy());
    return;
  }
  if (act === "trickle" || (typeof act === "object" && "bytesPerSecond" in act)) {
    const step = act === "trickle" ? Math.ceil(answered.length / 10) : Math.ceil(act.bytesPerSecond / 50);
    for (let at = 0; at < answered.length && !outgoing.destroyed; at += step) {
      outgoing.write(answered.subarray(at, at + step));
      await sleep(20);
    }
    return void outgoing.end();
  }
  outgoing.end(answered);
}

/** Times in headers, and in listings. */
function makeOlder(
  older: (key: string) => number,
  incoming: IncomingMessage,
  found: IncomingMessage,
  body: Buffer,
): Buffer {
  const { method, kind, key } = describe(incoming);
  const modified = found.headers["last-modified"];
  if (modified !== undefined) {
    found.headers["last-modified"] = new Date(Date.parse(modified) - older(key)).toUTCString();
  }
  if (method !== "GET" || kind !== "LIST") return body;
  const aged = body.toString().replace(/<(Contents|Version)>.*?<\/\1>/gs, (entry) =>
    entry.replace(/(?<=<LastModified>)[^<]+/, (time) => {
      const name = decodeURIComponent(/<Key>([^<]+)/.exec(entry)?.[1] ?? "");
      return new Date(Date.parse(time) - older(name)).toISOString();
    }),
  );
  const bytes = Buffer.from(aged);
  if (found.headers["content-length"] !== undefined) found.headers["content-length"] = String(bytes.length);
  return bytes;
}

function refuse(
  { status, code, headers = {}, more = "" }: { status: number; code?: string; headers?: object; more?: string },
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  incoming.resume();
  const error = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message>${more}</Error>`;
  const body = code === undefined || incoming.method === "HEAD" ? "" : error;
  outgoing.writeHead(status, { "content-type": "application/xml", "content-length": body.length, ...headers });
  outgoing.end(body);
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
