import { type Card, encodeIndex, type Index, type IndexEntry } from "../../vault/card/index.ts";
import { ColdkeepError, isColdkeepError, type NodeName, names, redactTokens } from "../../vault/names/index.ts";
import type { ArchiveSum } from "../../vault/store/archive.ts";
import { bringBack } from "../bring-back.ts";
import { readIndex, readMonth } from "../index-files.ts";
import { expiryOf } from "../markers.ts";
import { PAGE_POLICY, type PageNode, renderPage } from "../page/index.ts";
import { type NodeScope, readCommitted, readNode } from "../read.ts";
import { selectSnapshot } from "../select.ts";
import { pageNodeOf, readStored } from "../status-page.ts";
import { assertNode, type Caller, forbidden, makeAuthorize } from "./authorize.ts";
import { OPENAPI } from "./openapi.ts";
import { makePinRestore, type PinRestore } from "./pin-restore.ts";
import { planPage } from "./plan.ts";
import { renderRestoreScript } from "./restore-script.ts";
import { type Route, routeOf } from "./routes.ts";
import type { PresenterAnswer, PresenterPort, PresenterRequest } from "./types.ts";

/** A URL is good for at most so long. */
const MAX_URL_MS = 15 * 60_000;

export type Presenter = (request: PresenterRequest) => Promise<PresenterAnswer>;

/** Answers every question over HTTP, with an error's answer where it must; never throws. */
export function makePresenter(port: PresenterPort): Presenter {
  const authorize = makeAuthorize(port);
  const pin = makePinRestore(port.store);
  return async (request) => {
    let who = "nobody";
    try {
      if (request.method !== "GET") return problem(405, "only GET is answered here", { allow: "GET" });
      const caller = await authorize(request);
      who = caller.who;
      return await answer({ port, caller, pin }, routeOf(request.path, request.query), request.path);
    } catch (error) {
      return toProblem(error, (event, why) => {
        port.audit({ event, who, path: redactTokens(request.path.slice(0, 200)), why: redactTokens(why) });
      });
    }
  };
}

interface Asked {
  readonly port: PresenterPort;
  readonly caller: Caller;
  readonly pin: PinRestore;
}

async function answer(asked: Asked, route: Route, path: string): Promise<PresenterAnswer> {
  const { port, caller } = asked;
  if (route.to === "openapi") return json(OPENAPI);
  if (route.to === "nodes") {
    return json({ nodes: caller.by === "ticket" ? [caller.ticket.node] : await port.nodes() });
  }
  if (route.to === "page") return answerPage(asked);
  if (route.to === "agent") {
    const name = names.agentTarball(route.sha256);
    if ((await port.store.head(name)) === null) throw nothing("there is no such package");
    const { url } = await port.sign(name, MAX_URL_MS);
    // Without a scheme it is relative to the presenter itself, one level above this route.
    const location = url.includes("://") ? url : `../${url}`;
    return { status: 302, headers: { location, "cache-control": "no-store" }, body: "" };
  }
  assertNode(caller, route.node);
  switch (route.to) {
    case "node": {
      const found = await port.store.get(names.nodeJson(route.node), { maxBytes: 64 << 10 });
      if (found === null) throw nothing("there is no such node");
      return { status: 200, headers: JSON_HEADERS, body: found.bytes };
    }
    case "snapshots":
      return listOf(asked, route.node, route.month);
    case "latest": {
      const { entry, scope } = await latestOf(asked, route.node);
      return json({ ...scope, snapshot: entry });
    }
    case "script": {
      const headers = { ...JSON_HEADERS, "content-type": "text/x-shellscript; charset=utf-8" };
      return { status: 200, headers, body: renderRestoreScript({ node: route.node, agent: route.agent }) };
    }
    case "plan":
      return planOf(asked, route, path);
  }
}

/** For a ticket made anew of what it may see; else what the keeper's jobs left in the vault, read and written anew. */
async function answerPage({ port, caller }: Asked): Promise<PresenterAnswer> {
  if (caller.by === "platform") {
    const { nodes } = await readStored(port.store);
    if (nodes === null) throw nothing("no status page was written yet");
    return pageAnswer(nodes, Math.max(0, ...nodes.map(({ at }) => at)));
  }
  const { node } = caller.ticket;
  const standards = port.standards?.(node);
  if (standards === undefined) throw nothing("there is no status page here");
  const { index } = await readIndex(port.store, await scopeFor(port, caller, node));
  const entries = (index?.snapshots ?? []).filter((entry) => maySee(caller, entry));
  const now = port.clock.now();
  const evidence = { entries, more: (index?.months.length ?? 0) > 0 };
  return pageAnswer([pageNodeOf(node, evidence, standards, now)], now);
}

function pageAnswer(nodes: readonly PageNode[], at: number): PresenterAnswer {
  const headers = {
    ...JSON_HEADERS,
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `${PAGE_POLICY}; frame-ancestors 'none'`,
    "referrer-policy": "no-referrer",
  };
  return { status: 200, headers, body: renderPage(nodes, at) };
}

async function listOf({ port, caller }: Asked, node: NodeName, month: string | undefined): Promise<PresenterAnswer> {
  const scope = await scopeFor(port, caller, node);
  const { index } = await readIndex(port.store, scope);
  if (index === null) throw nothing("the node has no list of snapshots");
  if (month !== undefined && !index.months.includes(month)) throw nothing("there is no such month");
  const entries = month === undefined ? index.snapshots : await readMonth(port.store, scope, month);
  const shown: Index = {
    ...index,
    snapshots: entries.filter((entry) => maySee(caller, entry)),
    months: month === undefined ? index.months : [],
  };
  return { status: 200, headers: JSON_HEADERS, body: encodeIndex(shown) };
}

/** The newest that the caller may see: for a ticket of one snapshot, that one. */
async function latestOf({ port, caller }: Asked, node: NodeName): Promise<{ entry: IndexEntry; scope: NodeScope }> {
  const scope = await scopeFor(port, caller, node);
  const wanted = caller.by === "ticket" ? caller.ticket.snapshot : undefined;
  const selection = wanted === undefined ? ({ by: "latest" } as const) : ({ by: "id", id: wanted } as const);
  const entry = await selectSnapshot({ store: port.store, ...scope, selection });
  if (maySee(caller, entry)) return { entry, scope };
  throw nothing("the newest snapshot is older than the ticket asks for");
}

async function planOf(
  { port, caller, pin }: Asked,
  { node, snapshot, page, bring }: Extract<Route, { to: "plan" }>,
  path: string,
): Promise<PresenterAnswer> {
  const ticket = caller.by === "ticket" ? caller.ticket : null;
  if (ticket?.snapshot !== undefined && ticket.snapshot !== snapshot) throw forbidden("it is for another snapshot");
  const scope = await scopeFor(port, caller, node);
  const card = await readCommitted(port.store, scope, snapshot);
  if (card === null) throw nothing("there is no such snapshot");
  assertNewEnough(caller, card);
  const now = port.clock.now();
  // First the pin, then the look at the marker: the collector does it the other way round, so one of both is seen.
  const pinned = await pin(scope, snapshot, caller.who, now);
  const expiry = await expiryOf(port.store, scope, snapshot);
  if (expiry?.collecting === true) throw nothing("this snapshot is being deleted");
  const end = ticket === null ? Number.POSITIVE_INFINITY : ticket.exp * 1000;
  const found = await planPage({
    scope,
    card,
    ...(page === undefined ? {} : { cursor: page }),
    ...(ticket?.kind === "share" ? { share: ticket.tid } : {}),
    sign: (name) => port.sign(name, Math.min(MAX_URL_MS, end - now)),
  });
  port.audit({ event: "plan", who: caller.who, path, page: found.page, objects: found.objects.length });
  const { objects, next, expires } = found;
  const archived = await archivedOf(port, objects, bring);
  if (archived !== null && archived.coming > 0 && bring) {
    port.audit({ event: "brought back", who: caller.who, path, objects: archived.objects, bytes: archived.bytes });
  }
  return json({
    ...scope,
    snapshot,
    page: found.page,
    ...(next === undefined ? {} : { next }),
    expires_in: Math.max(0, Math.floor((expires - now) / 1000)),
    pinned_until: pinned,
    ...(expiry === null ? {} : { expired: expiry.since }),
    ...(archived === null || archived.objects === 0 ? {} : { archived }),
    objects,
  });
}

/** What of a page cannot be read yet. It is brought back where both the caller asks for it and the vault's owner pays. */
async function archivedOf(
  { archive }: PresenterPort,
  objects: readonly { readonly name: string }[],
  bring: boolean,
): Promise<ArchiveSum | null> {
  if (archive === undefined) return null;
  const data = objects.flatMap(({ name }) => (name.includes("/data/") ? [name] : []));
  const sum = await bringBack(data, archive.of, bring ? archive.speed : null);
  return archive.speed === null ? sum : { ...sum, speed: archive.speed };
}

async function scopeFor(port: PresenterPort, caller: Caller, node: NodeName): Promise<NodeScope> {
  const vault = caller.by === "ticket" ? caller.ticket.vault : undefined;
  const found = await readNode(port.store, node, vault);
  return { vault: found.vault, node: found.node };
}

function maySee(caller: Caller, { snapshot, seq }: Pick<IndexEntry, "snapshot" | "seq">): boolean {
  if (caller.by !== "ticket") return true;
  const { ticket } = caller;
  return (ticket.snapshot === undefined || ticket.snapshot === snapshot) && seq >= (ticket.min_seq ?? 0);
}

function assertNewEnough(caller: Caller, { core }: Card): void {
  if (!maySee(caller, core))
    throw forbidden(`it is for snapshots from number ${caller.by === "ticket" ? caller.ticket.min_seq : 0} on`);
}

const JSON_HEADERS = {
  "content-type": "application/json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
} as const;

function json(value: unknown): PresenterAnswer {
  return { status: 200, headers: JSON_HEADERS, body: JSON.stringify(value) };
}

function nothing(what: string): ColdkeepError {
  return new ColdkeepError("not-found", { what });
}

function problem(status: number, message: string, headers: Readonly<Record<string, string>> = {}): PresenterAnswer {
  return { status, headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify({ error: message }) };
}

/** What an error is over HTTP. Of what went wrong inside nothing is told but that it did; the log has it. */
function toProblem(error: unknown, log: (event: "refused" | "failed", why: string) => void): PresenterAnswer {
  if (isColdkeepError(error)) {
    const words = [error.what, error.why, error.todo].filter((part) => part !== undefined).join("; ");
    switch (error.kind) {
      case "permission":
        if (error.on !== undefined) break;
        log("refused", words);
        return problem(401, words, { "www-authenticate": "Bearer" });
      case "usage":
        return problem(400, words);
      case "refused":
        if (error.on !== undefined) break;
        log("refused", words);
        return problem(403, words);
      case "not-found":
        // Why may name snapshots that the caller is not to see.
        return problem(404, error.what);
    }
  }
  log("failed", error instanceof Error ? error.message : "not an error");
  const passing = isColdkeepError(error) && error.retryable;
  return problem(
    passing ? 503 : 500,
    passing ? "not now; try again" : "the vault could not be read; the log tells why",
  );
}
