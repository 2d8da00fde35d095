import { PRESENTER_ACCESS } from "../lambdas/presenter/contract.ts";
import type { FacetName } from "../vault/store/s3/rights.ts";

/** What a job does to which objects, by name below the vault's prefix, in the words of the store's facets. */
export type Grants = Readonly<Partial<Record<FacetName, readonly string[]>>>;

/** Rewritten by compare-and-swap; all of them can be made anew. */
const CACHES = ["*/index.json", "*/index/*", "*/head.json", "*/backup_list", "status.html"];
/** All that any job of the keeper reads: everything, since what it reads is sealed or public. */
const EVERYTHING = ["*"];

/** What each function's jobs ask of the store, narrowed to the names they use; a test compares it with their signatures. */
export const JOBS = {
  indexer: { Reader: EVERYTHING, Replacer: CACHES, Lister: EVERYTHING },
  presenter: { Reader: PRESENTER_ACCESS.read, Creator: PRESENTER_ACCESS.create, Lister: PRESENTER_ACCESS.list },
  retention: {
    Reader: EVERYTHING,
    Replacer: [...CACHES, "*/clock.json", "*/locks.json", "*/reports/*"],
    Creator: ["*/snapshots/*", "*/plans/*", "*/clearances/*"],
    Lister: EVERYTHING,
    Deleter: EVERYTHING,
    LockTeller: EVERYTHING,
    Locker: ["*/node.json", "*/begins/*", "*/data/*", "*/snapshots/*"],
  },
  verifier: { Reader: EVERYTHING, Replacer: [...CACHES, "*/reports/*"], Lister: EVERYTHING, LockTeller: EVERYTHING },
} as const satisfies Record<string, Grants>;
