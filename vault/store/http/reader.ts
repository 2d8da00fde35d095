import { ColdkeepError, isSnapshotId, type NodeName, names, type SnapshotId } from "../../names/index.ts";
import type { ObjectInfo, Reader, StoredObject } from "../facets.ts";
import { assertCount, splitName } from "../object-name.ts";
import type { PresenterApi } from "./api.ts";
import { type PlanReader, planReader } from "./plan.ts";
import type { HttpAnswer, HttpClient } from "./request.ts";

const DEFAULT_MAX = 64 << 20;

/** How objects of one node are read through a presenter, by the names they have in the vault. */
export function httpReader(
  api: PresenterApi,
  http: HttpClient,
  node: NodeName,
  clock: { monotonic(): number },
): Reader {
  const plans = new Map<SnapshotId, PlanReader>();

  function planFor(id: SnapshotId): PlanReader {
    const plan = plans.get(id) ?? planReader(api, node, id, clock);
    plans.set(id, plan);
    return plan;
  }

  /** Where it can be read; null where no plan that was asked for has it. */
  async function locate(name: string, fresh: boolean): Promise<URL | null> {
    const own = snapshotOf(node, name);
    if (own !== null) return planFor(own).find(name, fresh);
    for (const plan of plans.values()) {
      const url = await plan.find(name, fresh);
      if (url !== null) return url;
    }
    return null;
  }

  /** One object or a range of it; a URL that is refused is renewed once. */
  async function fetchObject(name: string, range: string | null, max: number): Promise<HttpAnswer | null> {
    for (const fresh of [false, true]) {
      const url = await locate(name, fresh);
      if (url === null) return null;
      const answer = await http.get(url, range === null ? {} : { range }, max);
      const { status } = answer;
      if (status === 404) return null;
      if (status === 200 || status === 206 || status === 416) return answer;
      if (status === 403 && !fresh) continue;
      throw notGiven(name, status);
    }
    throw notGiven(name, 403);
  }

  async function head(name: string): Promise<ObjectInfo | null> {
    const direct = directPath(node, name);
    if (direct !== null) {
      const bytes = await api.get(direct, DEFAULT_MAX);
      return bytes === null ? null : { size: bytes.length, etag: "", receivedAt: 0 };
    }
    const answer = await fetchObject(name, "bytes=0-0", 1);
    // Nothing has a first byte, and what refuses a range tells no time.
    const whole = answer?.status === 416 ? await fetchObject(name, null, 1) : answer;
    return whole === null ? null : infoOf(name, whole);
  }

  return {
    head: (name) => {
      splitName(name);
      return head(name);
    },
    get: async (name, options): Promise<StoredObject | null> => {
      splitName(name);
      const max = options?.maxBytes ?? DEFAULT_MAX;
      const direct = directPath(node, name);
      if (direct !== null) {
        const bytes = await api.get(direct, Math.min(max, DEFAULT_MAX));
        return bytes === null ? null : { bytes, info: { size: bytes.length, etag: "", receivedAt: 0 } };
      }
      const answer = await fetchObject(name, null, max);
      if (answer === null) return null;
      if (answer.cut) throw wrongSize(name, `it has more than the ${max} bytes that are allowed here`);
      return { bytes: answer.body, info: infoOf(name, answer) };
    },
    getRange: async (name, offset, length) => {
      splitName(name);
      assertCount("offset", offset);
      assertCount("length", length);
      const wanted = `bytes ${offset} to ${offset + length} are wanted`;
      if (length === 0 || directPath(node, name) !== null) {
        const info = await head(name);
        if (info === null) return null;
        if (length === 0 && offset <= info.size) return new Uint8Array(0);
        throw wrongSize(name, `it ends at ${info.size}, ${wanted}`);
      }
      const answer = await fetchObject(name, `bytes=${offset}-${offset + length - 1}`, length);
      if (answer === null) return null;
      if (answer.status === 416) throw wrongSize(name, `it ends before, ${wanted}`);
      // A server that knows no ranges sends all of it, from its first byte.
      if (answer.status !== 206 || answer.cut) throw wrongSize(name, `the server sent something else, ${wanted}`);
      if (answer.body.length === length) return answer.body;
      throw wrongSize(name, `it ended at ${offset + answer.body.length} while read, ${wanted}`);
    },
  };
}

/** What the presenter answers itself rather than by a URL. */
function directPath(node: NodeName, name: string): string | null {
  if (name === names.nodeJson(node)) return `nodes/${node}`;
  if (name === names.indexJson(node)) return `nodes/${node}/snapshots`;
  const [, month] = /\/index\/(\d{4}-\d{2})\.json$/.exec(name) ?? [];
  return month !== undefined && name === names.indexMonth(node, month)
    ? `nodes/${node}/snapshots?month=${month}`
    : null;
}

/** The snapshot whose own small record this is; null for what snapshots share. */
function snapshotOf(node: NodeName, name: string): SnapshotId | null {
  const [, id = ""] = /\/(?:snapshots|begins)\/([^/.]+)(?:\.card|\.origin)?\.json$/.exec(name) ?? [];
  if (!isSnapshotId(id)) return null;
  return [names.card(node, id), names.begin(node, id), names.originRecord(node, id)].includes(name) ? id : null;
}

function infoOf(name: string, { status, headers, body }: HttpAnswer): ObjectInfo {
  const [, all] = /^bytes \d+-\d+\/(\d+)$/.exec(headers["content-range"] ?? "") ?? [];
  const size = status === 200 ? Number(headers["content-length"] ?? body.length) : Number(all);
  const receivedAt = Date.parse(headers["last-modified"] ?? "");
  if (Number.isSafeInteger(size) && Number.isSafeInteger(receivedAt))
    return { size, etag: headers.etag?.replaceAll('"', "") ?? "", receivedAt };
  throw new ColdkeepError("vault", {
    what: "the server does not tell an object's size and time",
    on: name,
    why: "answers need Content-Range or Content-Length, and Last-Modified",
  });
}

function notGiven(name: string, status: number): ColdkeepError {
  const denied = status === 403 || status === 401;
  return new ColdkeepError(denied ? "permission" : "vault", {
    what: "an object was not given out",
    on: name,
    why: `the server answered ${status}${denied ? ", also to a fresh URL" : ""}`,
    retryable: status === 429 || status >= 500,
  });
}

function wrongSize(name: string, why: string): ColdkeepError {
  return new ColdkeepError("integrity", { what: "an object does not have the size expected", on: name, why });
}
