import { describe, expect, it } from "vitest";
import type { JOBS } from "../../infra/jobs.ts";
import type {
  CollectOptions,
  IndexOptions,
  KeylessVerifyOptions,
  RenewOptions,
  RetainOptions,
} from "../../keeper/index.ts";
import type { IndexerOn } from "../../lambdas/indexer/index-batch.ts";
import type { RetentionOn } from "../../lambdas/retention/retain-node.ts";
import type { VerifierOn } from "../../lambdas/verifier/verify-node.ts";
import type { Creator, Deleter, Lister, Locker, LockTeller, Reader, Replacer } from "../../vault/store/facets.ts";

interface Facets {
  Reader: Reader;
  Creator: Creator;
  Replacer: Replacer;
  Lister: Lister;
  Deleter: Deleter;
  LockTeller: LockTeller;
  Locker: Locker;
}

/** The names of the facets that a store has. */
type FacetsOf<Store> = { [Name in keyof Facets]: Store extends Facets[Name] ? Name : never }[keyof Facets];
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** `tsc` says which of them is wrong: what a function's role may do is what its jobs' signatures ask for. */
const asked: {
  indexer: Same<keyof (typeof JOBS)["indexer"], FacetsOf<IndexerOn["store"]>>;
  index: Same<keyof (typeof JOBS)["indexer"], FacetsOf<IndexOptions["store"]>>;
  retention: Same<keyof (typeof JOBS)["retention"], FacetsOf<RetentionOn["store"]>>;
  retain: Same<
    keyof (typeof JOBS)["retention"],
    FacetsOf<RetainOptions["store"] & CollectOptions["store"] & RenewOptions["store"]>
  >;
  verifier: Same<keyof (typeof JOBS)["verifier"], FacetsOf<VerifierOn["store"]>>;
  // What it finds goes into its report and the caches.
  verify: Same<Exclude<keyof (typeof JOBS)["verifier"], "Replacer">, FacetsOf<KeylessVerifyOptions["store"]>>;
} = { indexer: true, index: true, retention: true, retain: true, verifier: true, verify: true };

describe("what roles may do", () => {
  it("is what the signatures of their jobs ask for", () => {
    expect(Object.values(asked)).toEqual(Array(6).fill(true));
  });
});
