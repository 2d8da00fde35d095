import { ColdkeepError } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/facets.ts";

export type StoreCall = "head" | "get" | "getRange" | "create" | "replace" | "list";

/** What goes wrong with one call. */
export type Fault =
  /** Fails before anything happened; worth a retry. */
  | "fails-before"
  /** Takes effect, then the answer is lost; worth a retry. */
  | "fails-after"
  /** As a killed process would see it: this call and all later ones never return an answer. */
  | "crashes-before"
  | "crashes-after"
  | "no-space"
  | "permission"
  /** Says there is nothing, though there is. */
  | "denies"
  /** Answers with a flipped bit. */
  | "lies"
  /** Answers as it was before the last change. */
  | "stale";

export interface FaultyCall {
  readonly call: StoreCall;
  readonly name: string;
  /** From 1, over all calls. */
  readonly ordinal: number;
}

/** The end of a simulated process; no code under test may catch it and go on. */
class SimulatedCrash extends Error {}

export interface FaultyStore extends Store {
  readonly calls: readonly FaultyCall[];
}

/** Chooses faults from a seed: `rate` of all calls fail, with one of `faults`. The same seed does the same. */
export function seededFaults(seed: number, rate: number, faults: readonly Fault[]): (call: FaultyCall) => Fault | null {
  let state = seed >>> 0;
  const next = () => {
    // mulberry32: small, well spread, reproducible.
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => (next() < rate ? (faults[Math.floor(next() * faults.length)] ?? null) : null);
}

/** Wraps a store so that calls go wrong as `plan` says. */
export function faultyStore(store: Store, plan: (call: FaultyCall) => Fault | null): FaultyStore {
  const calls: FaultyCall[] = [];
  const before = new Map<string, Awaited<ReturnType<Store["get"]>>>();
  let crashed = false;

  async function meet<T>(call: StoreCall, name: string, act: () => Promise<T>, bend: (fault: Fault) => Promise<T>) {
    if (crashed) throw new SimulatedCrash(`after the crash: ${call} ${name}`);
    const entry = { call, name, ordinal: calls.length + 1 };
    calls.push(entry);
    const fault = plan(entry);
    switch (fault) {
      case null:
        return act();
      case "fails-before":
        throw passing(call, name);
      case "fails-after":
        await act();
        throw passing(call, name);
      case "crashes-after":
        await act();
        crashed = true;
        throw new SimulatedCrash(`${fault}: ${call} ${name}`);
      case "crashes-before":
        crashed = true;
        throw new SimulatedCrash(`${fault}: ${call} ${name}`);
      case "no-space":
      case "permission":
        throw new ColdkeepError(fault, { what: `${call} was made to fail`, on: name });
      default:
        return bend(fault);
    }
  }

  const remember = async (name: string) => before.set(name, await store.get(name));
  return {
    url: store.url,
    calls,
    lockTerms: () => store.lockTerms(),
    lock: (name, until, mode) => store.lock(name, until, mode),
    head: (name) =>
      meet(
        "head",
        name,
        () => store.head(name),
        async (fault) => {
          if (fault === "denies") return null;
          if (fault === "stale") return (before.get(name) ?? null)?.info ?? null;
          const info = await store.head(name);
          return info === null ? null : { ...info, size: info.size + 1 };
        },
      ),
    get: (name, options) =>
      meet(
        "get",
        name,
        () => store.get(name, options),
        async (fault) => {
          if (fault === "denies") return null;
          if (fault === "stale") return before.get(name) ?? null;
          const object = await store.get(name, options);
          return object === null ? null : { ...object, bytes: flipped(object.bytes) };
        },
      ),
    getRange: (name, offset, length) =>
      meet(
        "getRange",
        name,
        () => store.getRange(name, offset, length),
        async (fault) => {
          if (fault === "denies") return null;
          const bytes = await store.getRange(name, offset, length);
          return bytes === null ? null : flipped(bytes);
        },
      ),
    create: (name, body) =>
      // A lying store says it took what it did not.
      meet(
        "create",
        name,
        () => store.create(name, body),
        async () => {
          const info = { size: body.bytes.length, etag: "lie", receivedAt: 0 };
          return { created: true, receipt: { name, size: body.bytes.length, info } as never };
        },
      ),
    replace: (name, bytes, expected) =>
      meet(
        "replace",
        name,
        async () => {
          await remember(name);
          return store.replace(name, bytes, expected);
        },
        async () => ({ replaced: false }),
      ),
    list: async function* (prefix) {
      yield* await meet(
        "list",
        prefix,
        async () => store.list(prefix),
        async () => nothing(),
      );
    },
  };
}

async function* nothing(): AsyncGenerator<never> {}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const middle = copy.length >> 1;
  copy.set([(copy[middle] ?? 0) ^ 1], middle);
  return copy;
}

function passing(call: StoreCall, name: string): ColdkeepError {
  return new ColdkeepError("vault", { what: `${call} was made to fail`, on: name, retryable: true });
}
