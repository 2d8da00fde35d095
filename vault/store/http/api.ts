import { gunzipSync } from "node:zlib";
import { ColdkeepError } from "../../names/index.ts";
import type { HttpClient } from "./request.ts";

/** What proves who asks: the headers of one request, made anew for each. */
export type Authorize = (url: URL) => Promise<Readonly<Record<string, string>>>;

export interface PresenterApi {
  readonly base: URL;
  /** The answer's bytes, or null where there is no such thing. */
  get(path: string, maxBytes: number): Promise<Buffer | null>;
}

/**
 * @param from `https://…`; `http://` is taken for this very machine only, since whoever reads along has the ticket.
 * @throws ColdkeepError `usage` for any other place.
 */
export function baseOf(from: string): URL {
  const url = URL.canParse(from) ? new URL(from) : null;
  const local = url !== null && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  const plain = url !== null && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (url !== null && plain && (url.protocol === "https:" || (url.protocol === "http:" && local))) {
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    return url;
  }
  throw new ColdkeepError("usage", {
    what: "this is no place to restore from",
    on: url === null ? JSON.stringify(from.slice(0, 200)) : `${url.protocol}//${url.host}`,
    why: "https://… is expected, without a query; http:// is taken for 127.0.0.1 and localhost only",
  });
}

export function presenterApi(http: HttpClient, base: URL, authorize: Authorize): PresenterApi {
  return {
    base,
    get: async (path, maxBytes) => {
      const url = new URL(path, base);
      const headers = { "accept-encoding": "gzip", ...(await authorize(url)) };
      const { status, body, cut, headers: told } = await http.get(url, headers, maxBytes);
      const on = `${base.origin}${url.pathname}`;
      if (cut)
        throw new ColdkeepError("integrity", {
          what: "an answer is too long",
          on,
          why: `more than ${maxBytes} bytes came`,
        });
      const whole = told["content-encoding"] === "gzip" ? gunzipSync(body, { maxOutputLength: maxBytes }) : body;
      if (status === 200) return whole;
      if (status === 404) return null;
      throw problem(status, on, errorIn(whole));
    },
  };
}

/** The presenter's own words, which may be anybody's: short and plain. */
function errorIn(body: Buffer): string | undefined {
  try {
    const { error, Message } = JSON.parse(body.toString("utf8")) as { error?: unknown; Message?: unknown };
    const words = typeof error === "string" ? error : Message;
    return typeof words === "string" ? words.slice(0, 500) : undefined;
  } catch {
    return undefined;
  }
}

function problem(status: number, on: string, why: string | undefined): ColdkeepError {
  const words = why ?? `it answered ${status}`;
  if (status === 401 || status === 403) {
    return new ColdkeepError("permission", { what: "the presenter refused", on, why: words });
  }
  return new ColdkeepError("vault", {
    what: "the presenter did not answer as it should",
    on,
    why: words,
    retryable: status === 429 || status >= 500,
  });
}
