import type { IncomingMessage, ServerResponse } from "node:http";
import { type ErrorKind, isColdkeepError } from "../../vault/names/index.ts";
import { findEntry, listTree, showByteName } from "../browse/index.ts";
import { type Address, readAddress } from "./address.ts";
import type { Door, Visitor } from "./door.ts";
import { POLICY } from "./html.ts";
import type { OpenTrees } from "./open-trees.ts";
import { makePages, ROWS, type Rows } from "./pages.ts";
import { noSuch, sendFile, sendTar } from "./send.ts";
import type { ViewerOptions } from "./types.ts";

/** Files and folders sent at once: each takes some 16 MB. */
const MAX_SENDING = 8;
const PRINTED = "`coldkeep serve --browse`";

/** On every answer, whatever it is. */
const COMMON = {
  "cache-control": "no-store",
  "content-security-policy": POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** What an error is answered by; what is not here is ours: 500. */
const STATUS: Partial<Readonly<Record<ErrorKind, number>>> = {
  "not-found": 404,
  refused: 403,
  key: 403,
  permission: 403,
  busy: 503,
  vault: 503,
};

/** A page, and how it is answered. */
interface Shown {
  readonly status: number;
  readonly page: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Options = Pick<ViewerOptions, "library" | "audit">;

/**
 * Answers one request: first whether it may be asked at all, then by a page or by what is in a snapshot. What it throws came after
 * the headers were out, or is a defect: the connection is to be ended.
 * @param admitted told whenever a link was used up
 */
export function makeResponder({ library, audit }: Options, door: Door, trees: OpenTrees, admitted: () => void) {
  const pages = makePages(door.place, library.vault);
  let sending = 0;

  const trouble = (status: number, title: string, words: string, headers = {}): Shown => ({
    status,
    page: pages.trouble(title, words),
    headers,
  });

  /** Null where all was sent already. */
  async function answerTo(request: IncomingMessage, answer: ServerResponse): Promise<Shown | null> {
    const target = request.url ?? "";
    const visitor = visitorOf(request);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return trouble(405, "Only looking is possible", "Nothing can be changed here.", { allow: "GET, HEAD" });
    }
    // Whoever follows the link may come from anywhere, a web mail say: only the name of this machine is asked for.
    if (target.startsWith(`${door.place}enter/`) && door.isHere({ ...visitor, site: undefined })) {
      return enter(request, target);
    }
    if (!door.isHere(visitor)) return refuse(visitor, "Not from there", `Open the link that ${PRINTED} printed.`);
    if (!door.knows(visitor)) {
      return refuse(visitor, "Not without the link", `Open the link that ${PRINTED} printed last; each is good once.`);
    }
    const address = target.startsWith(door.place) ? readAddress(target.slice(door.place.length)) : null;
    if (address === null) return trouble(404, "Nothing is here", "No page has this address.");
    try {
      return await show(address, request, answer);
    } catch (error) {
      if (answer.headersSent || !isColdkeepError(error)) throw error;
      audit("failed", { why: error.message });
      return trouble(STATUS[error.kind] ?? 500, "This cannot be shown", error.message);
    }
  }

  function refuse({ host }: Visitor, why: string, words: string): Shown {
    audit("refused", { why, host: (host ?? "").slice(0, 200) });
    return trouble(403, why, words);
  }

  function enter(request: IncomingMessage, link: string): Shown {
    // Who asks for the headers only, to look ahead, has not come yet.
    const admission = request.method === "HEAD" ? null : door.enter(link);
    if (admission === null) {
      return refuse(visitorOf(request), "This link is not good", `Open the one that ${PRINTED} printed last.`);
    }
    audit("let in", { from: request.socket.remoteAddress ?? "" });
    admitted();
    return { status: 200, page: pages.welcome(), headers: { "set-cookie": admission.cookie } };
  }

  async function show(address: Address, request: IncomingMessage, answer: ServerResponse): Promise<Shown | null> {
    if (address.page === "nodes") return { status: 200, page: pages.nodes(library.nodes) };
    const { node } = address;
    if (!library.nodes.includes(node)) return trouble(404, "No such node", "It is not one that is shown here.");
    if (address.page === "snapshots") {
      const list = await some(one(library.snapshots(node)), address.skip);
      return { status: 200, page: pages.snapshots(node, list) };
    }
    const { snapshot, path, page } = address;
    if (page === "folder") {
      return trees.with(node, snapshot, async ({ tree, origin }) => {
        const found = path.length === 0 ? null : await findEntry(tree, path);
        if (path.length > 0 && found?.type !== "directory") throw noSuch("folder", path);
        const list = await some(listTree(tree, { path: path.length === 0 ? null : path, deep: false }), address.skip);
        return { status: 200, page: pages.folder({ node, snapshot, path, origin }, list) };
      });
    }
    if (sending >= MAX_SENDING) {
      const words = `${MAX_SENDING} files are being sent already; wait for one of them.`;
      return trouble(503, "Too much at once", words, { "retry-after": "10" });
    }
    sending += 1;
    try {
      const send = page === "file" ? sendFile : sendTar;
      return await trees.with(node, snapshot, async ({ tree }) => {
        const bytes = await send({ tree, path, request, answer });
        audit("sent", { node, snapshot, path: showByteName(path), bytes });
        return null;
      });
    } finally {
      sending -= 1;
    }
  }

  return async (request: IncomingMessage, answer: ServerResponse): Promise<void> => {
    for (const [name, value] of Object.entries(COMMON)) answer.setHeader(name, value);
    const shown = await answerTo(request, answer);
    if (shown === null) return;
    const bytes = Buffer.from(shown.page);
    const type = { "content-type": "text/html; charset=utf-8", "content-length": bytes.length };
    answer.writeHead(shown.status, { ...shown.headers, ...type });
    answer.end(request.method === "HEAD" ? undefined : bytes);
  };
}

function visitorOf({ headers }: IncomingMessage): Visitor {
  const site = headers["sec-fetch-site"];
  return { host: headers.host, cookie: headers.cookie, site: Array.isArray(site) ? site.join() : site };
}

async function* one<T>(items: AsyncIterable<T>): AsyncGenerator<readonly T[]> {
  for await (const item of items) yield [item];
}

/** A page's rows of a list, which is not read any further. */
async function some<T>(batches: AsyncIterable<readonly T[]>, skip: number): Promise<Rows<T>> {
  const rows: T[] = [];
  let at = 0;
  for await (const batch of batches) {
    for (const item of batch) {
      at += 1;
      if (at <= skip) continue;
      if (rows.length === ROWS) return { rows, skip, more: true };
      rows.push(item);
    }
  }
  return { rows, skip, more: false };
}
