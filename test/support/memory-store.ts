import { createHash } from "node:crypto";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { ApprovedPlan, DeleteOutcome, Deleter, LockTerms, ObjectInfo, Store } from "../../vault/store/facets.ts";
import { splitName, splitPrefix } from "../../vault/store/object-name.ts";
import { makeReceipt } from "../../vault/store/receipt.ts";

export interface MemoryObject {
  bytes: Uint8Array;
  info: ObjectInfo;
}

/** A store in memory: exact, fast, and open for tampering through `objects`. `now` is the store's clock. */
export interface MemoryStore extends Store, Deleter {
  readonly objects: Map<string, MemoryObject>;
  /** How it locks what is new from now on; null, as at first: not at all. */
  locking: LockTerms | null;
  /** Puts an object as it is, past all rules; keeps receipt time where one is there, unless told. */
  plant(name: string, bytes: Uint8Array, receivedAt?: number): void;
}

export function memoryStore(now: () => number = () => 0): MemoryStore {
  const objects = new Map<string, MemoryObject>();
  let versions = 0;
  const put = (name: string, bytes: Uint8Array, receivedAt = now()): ObjectInfo => {
    versions += 1;
    const lock = store.locking === null ? {} : { lockedUntil: receivedAt + store.locking.ms };
    const info = { size: bytes.length, etag: `v${versions}`, receivedAt, ...lock };
    objects.set(name, { bytes: Uint8Array.from(bytes), info });
    return info;
  };
  const find = (name: string) => {
    splitName(name);
    return objects.get(name) ?? null;
  };
  const store: MemoryStore = {
    url: "memory:",
    objects,
    locking: null,
    plant: (name, bytes, receivedAt) => {
      put(name, bytes, receivedAt ?? objects.get(name)?.info.receivedAt ?? now());
    },
    head: async (name) => find(name)?.info ?? null,
    get: async (name, options) => {
      const object = find(name);
      if (object === null) return null;
      const max = options?.maxBytes ?? 64 << 20;
      if (object.bytes.length > max) throw short(name, `${object.bytes.length} bytes, at most ${max}`);
      return { bytes: Uint8Array.from(object.bytes), info: object.info };
    },
    getRange: async (name, offset, length) => {
      if (!(Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(length) && length >= 0)) {
        throw new ColdkeepError("internal", { what: "illegal range", on: `${offset}+${length}` });
      }
      const object = find(name);
      if (object === null) return null;
      if (offset + length > object.bytes.length) throw short(name, `ends at ${object.bytes.length}`);
      return Uint8Array.from(object.bytes.subarray(offset, offset + length));
    },
    create: async (name, { bytes, sha256 }) => {
      const there = find(name);
      const digest = createHash("sha256").update(bytes).digest();
      if (!digest.equals(sha256)) throw new ColdkeepError("integrity", { what: "not the digest announced", on: name });
      if (there === null) return { created: true, receipt: makeReceipt(name, put(name, bytes)) };
      return { created: false, same: Buffer.compare(there.bytes, bytes) === 0, info: there.info };
    },
    replace: async (name, bytes, expected) => {
      if ((find(name)?.info.etag ?? null) !== expected) return { replaced: false };
      return { replaced: true, info: put(name, bytes) };
    },
    list: async function* (prefix) {
      splitPrefix(prefix);
      const found = [...objects.keys()].filter((name) => name.startsWith(prefix)).sort(bytewise);
      for (const name of found) {
        const object = objects.get(name);
        if (object !== undefined) yield { name, info: object.info };
      }
    },
    delete: (plan) => deletePlanned(objects, plan, now),
    lockTerms: async () => store.locking,
    lock: async (name, until) => {
      const there = find(name);
      if (there === null) return "absent";
      there.info = { ...there.info, lockedUntil: Math.max(until, there.info.lockedUntil ?? 0) };
      return "locked";
    },
  };
  return store;
}

async function* deletePlanned(
  objects: Map<string, MemoryObject>,
  plan: ApprovedPlan,
  now: () => number,
): AsyncGenerator<DeleteOutcome> {
  for (const { name } of plan.objects) splitName(name);
  for (const { name, etag } of plan.objects) {
    const info = objects.get(name)?.info;
    const there = info?.etag === etag;
    if (there && (info.lockedUntil ?? 0) > now()) {
      yield { name, outcome: "locked" };
      continue;
    }
    if (there) objects.delete(name);
    yield { name, outcome: there ? "deleted" : "gone" };
  }
}

function bytewise(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function short(name: string, why: string): ColdkeepError {
  return new ColdkeepError("integrity", { what: "not the size expected", on: name, why });
}
