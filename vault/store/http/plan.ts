import { ColdkeepError, type NodeName, type SnapshotId } from "../../names/index.ts";
import { isNamePart } from "../object-name.ts";
import type { PresenterApi } from "./api.ts";

/** Pages whose URLs are kept; of others it is known which names they have. */
const KEPT_PAGES = 16;
const MAX_PAGE = 4 << 20;
/** A page is asked for anew when its URLs end so soon, milliseconds. */
const MARGIN = 30_000;
/** Pages of a plan at most: 100,000 packs of each of 256 origins would be more, and no snapshot is. */
const MAX_PAGES = 20_000;

interface Page {
  readonly cursor: string | null;
  /** By name; null where they were forgotten. */
  urls: ReadonlyMap<string, URL> | null;
  /** By the monotonic clock: this host's idea of the time of day does not matter. */
  until: number;
}

/** The plan of one snapshot, page by page as its names are asked for. */
export interface PlanReader {
  /** A URL that is good now, or null where the whole plan has no such name. `fresh` asks for a new one in any case. */
  find(name: string, fresh: boolean): Promise<URL | null>;
}

interface PageAnswer {
  readonly page: string;
  readonly next?: string;
  readonly expires_in: number;
  readonly objects: readonly { readonly name: string; readonly url: string }[];
}

export function planReader(
  api: PresenterApi,
  node: NodeName,
  snapshot: SnapshotId,
  clock: { monotonic(): number },
): PlanReader {
  const path = `nodes/${node}/snapshots/${snapshot}/plan`;
  const pages: Page[] = [];
  const places = new Map<string, number>();
  const kept: Page[] = [];
  let next: string | undefined | null = null;
  let queue: Promise<unknown> = Promise.resolve();

  async function load(cursor: string | null): Promise<{ answer: PageAnswer; urls: Map<string, URL>; until: number }> {
    const asked = clock.monotonic();
    const bytes = await api.get(cursor === null ? path : `${path}?page=${cursor}`, MAX_PAGE);
    if (bytes === null) {
      throw new ColdkeepError("not-found", {
        what: "the presenter has no such snapshot",
        on: snapshot,
        why: "it is not there, or has been deleted meanwhile",
        todo: "begin again with another one",
      });
    }
    const answer = parsePage(bytes, path);
    const urls = new Map(answer.objects.map(({ name, url }) => [name, urlOf(url, api.base, path)]));
    return { answer, urls, until: asked + answer.expires_in * 1000 - MARGIN };
  }

  function keep(page: Page): void {
    kept.push(page);
    while (kept.length > KEPT_PAGES) {
      const old = kept.shift();
      if (old !== undefined && !kept.includes(old)) old.urls = null;
    }
  }

  async function loadNext(): Promise<void> {
    if (pages.length >= MAX_PAGES) throw malformed(path, `it has more than ${MAX_PAGES} pages`);
    const { answer, urls, until } = await load(next ?? null);
    const page: Page = { cursor: answer.page, urls, until };
    for (const name of urls.keys()) places.set(name, pages.length);
    pages.push(page);
    keep(page);
    next = answer.next;
  }

  async function find(name: string, fresh: boolean): Promise<URL | null> {
    while (!places.has(name) && next !== undefined) await loadNext();
    const page = pages[places.get(name) ?? -1];
    if (page === undefined) return null;
    if (fresh || page.urls === null || page.until <= clock.monotonic()) {
      const { urls, until } = await load(page.cursor);
      page.urls = urls;
      page.until = until;
      keep(page);
    }
    return page.urls.get(name) ?? null;
  }

  return {
    // One after the other: many readers at once must not ask for one page many times.
    find: (name, fresh) => {
      const found = queue.then(() => find(name, fresh));
      queue = found.catch(() => {});
      return found;
    },
  };
}

function parsePage(bytes: Buffer, on: string): PageAnswer {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw malformed(on, "it is no JSON");
  }
  const { page, next, expires_in, objects } = (value ?? {}) as Record<string, unknown>;
  const cursor = /^[0-9a-f]{16}\.\d{1,9}$/;
  if (typeof page !== "string" || !cursor.test(page)) throw malformed(on, "its page is none");
  if (next !== undefined && (typeof next !== "string" || !cursor.test(next) || next === page)) {
    throw malformed(on, "its next page is none");
  }
  if (typeof expires_in !== "number" || !(expires_in >= 0 && expires_in <= 86_400))
    throw malformed(on, "its URLs have no end");
  if (!Array.isArray(objects) || objects.length > 500) throw malformed(on, "it has no objects, or too many");
  for (const object of objects as Record<string, unknown>[]) {
    const { name, url } = object ?? {};
    if (typeof name !== "string" || !name.split("/").every(isNamePart)) throw malformed(on, "an object has no name");
    if (typeof url !== "string" || url.length > 8192) throw malformed(on, "an object has no URL");
  }
  if (objects.length === 0 && next !== undefined) throw malformed(on, "a page is empty");
  return { page, expires_in, objects, ...(next === undefined ? {} : { next }) };
}

/** Where the presenter sends us. In the clear only to this very machine, as the presenter itself. */
function urlOf(text: string, base: URL, on: string): URL {
  const url = URL.canParse(text, base.href) ? new URL(text, base) : null;
  if (url !== null && (url.protocol === "https:" || (url.protocol === "http:" && base.protocol === "http:")))
    return url;
  throw malformed(on, "a URL is none, or not https");
}

function malformed(on: string, why: string): ColdkeepError {
  return new ColdkeepError("integrity", { what: "the presenter's plan cannot be used", on, why });
}
