import { ColdkeepError, type NodeName, type SnapshotId } from "../../names/index.ts";
import type { ArchiveSum } from "../archive.ts";
import type { Store } from "../facets.ts";
import { noLocks } from "../no-locks.ts";
import { type Authorize, baseOf, presenterApi } from "./api.ts";
import { archivedIn } from "./archive.ts";
import { httpReader } from "./reader.ts";
import { httpClient } from "./request.ts";

export interface HttpStoreOptions {
  readonly node: NodeName;
  /** A ticket; null: requests are signed with this host's AWS credentials. */
  readonly ticket: string | null;
  /** The region where the presenter runs, where its name does not tell. */
  readonly region?: string;
  readonly clock: { now(): number; monotonic(): number };
  readonly env?: NodeJS.ProcessEnv;
}

/** What a presenter can be asked beside what any store can. */
export interface HttpStore extends Store {
  /** What of a snapshot lies in an archive; with `bring` it is asked to have it brought back. */
  archived(snapshot: SnapshotId, bring: boolean): Promise<ArchiveSum>;
}

/**
 * One node of a vault as a presenter shows it: for reading alone, by URLs that the presenter signs and that are renewed
 * as they end. Opening asks nothing of it.
 * @throws ColdkeepError `usage` where `from` is no place to send a ticket to.
 */
export async function openHttpStore(from: string, o: HttpStoreOptions): Promise<HttpStore> {
  const base = baseOf(from);
  const env = o.env ?? process.env;
  const http = httpClient(env);
  const authorize = o.ticket === null ? await awsAuthorize(base, o) : ticketAuthorize(o.ticket);
  const api = presenterApi(http, base, authorize);
  const refuse = async (name: string): Promise<never> => {
    throw new ColdkeepError("refused", { what: "a presenter is for reading only", on: name });
  };
  return {
    url: base.href,
    ...httpReader(api, http, o.node, o.clock),
    ...noLocks,
    archived: (snapshot, bring) => archivedIn(api, o.node, snapshot, bring),
    create: refuse,
    replace: refuse,
    // biome-ignore lint/correctness/useYield: an iterable that refuses when it is read, as any other call would
    list: async function* (prefix) {
      await refuse(prefix);
    },
  };
}

function ticketAuthorize(ticket: string): Authorize {
  return async () => ({ authorization: `Bearer ${ticket}` });
}

async function awsAuthorize(base: URL, o: HttpStoreOptions): Promise<Authorize> {
  const { awsAuthorize: make } = await import("./aws.ts");
  return make(base, o.region, o.clock);
}
