import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { ColdkeepError, messageOf, systemCode } from "../../names/index.ts";

const CONNECT_MS = 20_000;
/** Longest silence on a connection. */
const IDLE_MS = 30_000;
const MAX_SOCKETS = 32;
/** No answer may take longer than this and its bytes at 32 kB/s. */
const CALL_MS = 60_000;
const SLOWEST = 32;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** More came than was allowed; `body` is what came before. */
  readonly cut: boolean;
}

/** One GET, answered or failed; nothing is repeated, no redirect is followed. */
export interface HttpClient {
  /** @throws ColdkeepError `vault`, worth another try, where no answer came; what it says never names a query. */
  get(url: URL, headers: Readonly<Record<string, string>>, maxBytes: number): Promise<HttpAnswer>;
}

/** HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured, as S3's client does. */
export function httpClient(env: NodeJS.ProcessEnv): HttpClient {
  const common = { keepAlive: true, maxSockets: MAX_SOCKETS, proxyEnv: env };
  const agents = { "http:": new HttpAgent(common), "https:": new HttpsAgent(common) };
  return {
    get: (url, headers, maxBytes) =>
      new Promise((done, failed) => {
        const fail = (why: string, cause?: unknown) => failed(noAnswer(url, why, cause));
        const send = url.protocol === "https:" ? httpsRequest : httpRequest;
        const agent = agents[url.protocol === "https:" ? "https:" : "http:"];
        const signal = AbortSignal.timeout(CALL_MS + Math.ceil(maxBytes / SLOWEST));
        const asked = send(url, { agent, headers, signal, timeout: IDLE_MS }, (answer) => {
          collect(answer, maxBytes).then(done, (error: unknown) => fail(messageOf(error), error));
        });
        const connecting = setTimeout(() => asked.destroy(new Error("no connection within 20 s")), CONNECT_MS);
        asked.once("socket", (socket) => {
          if (socket.connecting) socket.once("connect", () => clearTimeout(connecting));
          else clearTimeout(connecting);
        });
        asked.once("close", () => clearTimeout(connecting));
        asked.once("timeout", () => asked.destroy(new Error(`nothing came for ${IDLE_MS / 1000} s`)));
        asked.once("error", (error) => fail(wordsOf(error), error));
        asked.end();
      }),
  };
}

async function collect(answer: IncomingMessage, max: number): Promise<HttpAnswer> {
  const parts: Buffer[] = [];
  let size = 0;
  let cut = false;
  for await (const part of answer as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > max) {
      cut = true;
      break;
    }
    parts.push(part);
  }
  // Leaving the loop ends the connection; of a whole answer all must have come.
  if (!cut && !answer.complete) throw new Error("the connection ended in the middle of the answer");
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts), cut };
}

function wordsOf(error: Error): string {
  if (error.name === "TimeoutError" || error.name === "AbortError") return "it took too long";
  const code = systemCode(error);
  return code === undefined ? messageOf(error) : `${messageOf(error)} (${code})`.replace(/^ /, "");
}

const UNTRUSTED = /^(SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|CERT_|ERR_TLS_|HOSTNAME_MISMATCH|INVALID_CA)/;

function noAnswer(url: URL, why: string, cause: unknown): ColdkeepError {
  // It will be no other on the next try.
  const untrusted = UNTRUSTED.test(systemCode(cause) ?? "");
  return new ColdkeepError("vault", {
    what: "the presenter cannot be reached",
    on: `${url.origin}${url.pathname}`,
    why: untrusted ? `its certificate is not trusted: ${why}` : why,
    ...(untrusted
      ? { todo: "set NODE_EXTRA_CA_CERTS to the file of the authority that signed it, or correct the URL" }
      : {}),
    retryable: !untrusted,
    cause,
  });
}
