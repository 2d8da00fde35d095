import type { HashedBytes } from "./hashed.ts";

/**
 * The facets of a store: each is one right, as an IAM policy would name it. A job's signature asks for the facets it
 * needs and no more. A store moves opaque bytes under names made by vault/names; it never looks inside.
 *
 * What every store guarantees, and the conformance suite checks:
 * - read after write: once a call has returned, every later read sees its effect;
 * - all or nothing: an object is visible whole or not at all, whatever is killed when;
 * - `create` never overwrites; of several concurrent creates of one name exactly one wins;
 * - `replace` takes effect only on the version named;
 * - a name that escapes the store's root is refused with kind `internal` before any I/O.
 *
 * Errors: null means *proven* absence. Everything that could not be proven is thrown, as ColdkeepError of kind `vault`
 * (unreachable, `retryable` where trying again may help), `permission`, `no-space` or `integrity` (a short read).
 */
export interface ObjectInfo {
  /** Bytes. */
  readonly size: number;
  /** Names this version for `replace`; opaque. In S3 it names the bytes: the same bytes put again may have it, too. */
  readonly etag: string;
  /** Names this version for reading it again where the store keeps versions; opaque. */
  readonly version?: string;
  /**
   * When the store received it, by the store's clock; milliseconds since the epoch. S3 tells whole seconds, and in a
   * receipt the time of its answer, which may be seconds off what `head` tells from then on.
   */
  readonly receivedAt: number;
  /**
   * Until when the store protects this version from everybody; milliseconds since the epoch. Told by `head` and `get`
   * alone, to whoever may see it, where there is a lock.
   */
  readonly lockedUntil?: number;
  /** SHA-256 of the whole object, in hex, as the store recorded it when it came. Told by `head` and `get`. */
  readonly sha256?: string;
  /**
   * It lies in an archive class, and nothing of it can be read before it is brought back. Told by `head`; a listing tells
   * the class alone, so that also of what was brought back.
   */
  readonly archived?: true;
}

export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly info: ObjectInfo;
}

export interface Reader {
  head(name: string): Promise<ObjectInfo | null>;
  /** @throws ColdkeepError `integrity` where the object is larger than `maxBytes` (default 64 MiB). */
  get(name: string, options?: { readonly maxBytes?: number }): Promise<StoredObject | null>;
  /**
   * Exactly `length` bytes from `offset`; an object that ends earlier is kind `integrity`.
   * @param memory May be used for the answer, which then is a part of it: where it is aligned and has two pages of 4 KiB
   * more than `length`, a store on this machine reads past the page cache.
   */
  getRange(name: string, offset: number, length: number, memory?: Uint8Array): Promise<Uint8Array | null>;
}

/** Proof that the store took an object; made by stores only. */
export interface PutReceipt {
  readonly name: string;
  readonly size: number;
  readonly info: ObjectInfo;
  readonly __brand: "PutReceipt";
}

export type CreateOutcome =
  | { readonly created: true; readonly receipt: PutReceipt }
  /** The name is taken. `same` tells whether the bytes there are the very ones that were to be put. */
  | { readonly created: false; readonly same: boolean; readonly info: ObjectInfo };

export interface CreateOptions {
  /** Asked by a store that repeats, before so many bytes are sent once more. */
  readonly mayRepeat?: (bytes: number) => Promise<void>;
}

export interface Creator {
  /** The store proves its own object by the digest of `body`, and sends it along where the other side checks it. */
  create(name: string, body: HashedBytes, o?: CreateOptions): Promise<CreateOutcome>;
}

export type ReplaceOutcome =
  | { readonly replaced: true; readonly info: ObjectInfo }
  /** Somebody else was faster; read again and start over. */
  | { readonly replaced: false };

export interface Replacer {
  /** Puts `bytes` if the object's etag is still `expected`, or, where that is null, if there is no object. */
  replace(name: string, bytes: Uint8Array, expected: string | null): Promise<ReplaceOutcome>;
}

export interface ListedObject {
  readonly name: string;
  readonly info: ObjectInfo;
}

/** Rebuild, doctor and garbage only; never on a hot path. */
export interface Lister {
  /** Every object whose name begins with `prefix`, in ascending order of the name's bytes. */
  list(prefix: string): AsyncIterable<ListedObject>;
}

/** One version of one object, named so that nothing else can be meant. */
export interface PlannedDelete {
  readonly name: string;
  readonly etag: string;
  /** Where the store keeps versions. */
  readonly version?: string;
}

/** What may be deleted. Made by the retention job only, after its brakes have let it through. */
export interface ApprovedPlan {
  readonly objects: readonly PlannedDelete[];
  readonly __brand: "ApprovedPlan";
}

export interface DeleteOutcome {
  readonly name: string;
  /** `gone`: that version is not there (any more). `locked`: the store protects it; it stays in the plan. */
  readonly outcome: "deleted" | "gone" | "locked";
}

export interface Deleter {
  /**
   * Deletes the very versions named and no others, in the plan's order; running a plan again is harmless. One outcome
   * an object, as it happens; what could not be decided is thrown and ends the run.
   */
  delete(plan: ApprovedPlan): AsyncIterable<DeleteOutcome>;
}

/** How a place locks what is new. */
export interface LockTerms {
  /** `governance`: some user may be allowed to lift it; `compliance`: nobody. */
  readonly mode: "governance" | "compliance";
  /** How long. */
  readonly ms: number;
}

export interface LockTeller {
  /** Null where new objects are not locked by themselves, or that cannot be told. */
  lockTerms(): Promise<LockTerms | null>;
}

export interface Locker {
  /**
   * Protects the present version of an object from everybody, until then at least: a lock that lasts longer stays.
   * @param until milliseconds since the epoch
   * @throws ColdkeepError `refused` where the store has no locks.
   */
  lock(name: string, until: number, mode: LockTerms["mode"]): Promise<"locked" | "absent">;
}

/** How a place is set up to treat its objects; null where that could not be asked. */
export interface StoreTraits {
  /** Replaced and deleted objects are kept as earlier versions. */
  readonly versions: boolean | null;
  /** Objects can be locked against everybody's deletes for a time. */
  readonly locks: boolean | null;
}

export interface Inspector {
  /** Where absent, the place has no such settings. */
  inspect?(): Promise<StoreTraits>;
}

/** The versions of one object that the store keeps. Rare paths only: what stands in for an object that was damaged. */
export interface History {
  /** All that can be read, newest first and the present one included, `most` of them where there are more. */
  versions(name: string, most: number): Promise<readonly KeptVersion[]>;
  /** @throws ColdkeepError `integrity` where it is larger than `maxBytes`. */
  get(name: string, version: string, options: { readonly maxBytes: number }): Promise<StoredObject | null>;
  /** As Reader's. */
  getRange(name: string, version: string, offset: number, length: number): Promise<Uint8Array | null>;
  /** Of the objects whose names begin so, those that have several versions: the name of the first that each had. */
  overwritten(prefix: string): Promise<ReadonlyMap<string, string>>;
}

export type KeptVersion = ObjectInfo & { readonly version: string };

export interface Historian {
  /** Where absent, the store keeps no versions. */
  readonly history?: History;
}

/** All facets of a store on which the keeper's jobs run in-process. */
export type Store = Reader &
  Creator &
  Replacer &
  Lister &
  LockTeller &
  Locker &
  Inspector &
  Historian & { readonly url: string };
