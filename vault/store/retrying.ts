import { setTimeout as sleep } from "node:timers/promises";
import { type ColdkeepError, isColdkeepError } from "../names/index.ts";
import type { ListedObject, Store, StoreTraits } from "./facets.ts";
import { makeReceipt } from "./receipt.ts";

/** How long a store that fails is waited for: by time, as what passes takes minutes, however often it is asked meanwhile. */
export interface RetryBudget {
  /** No new attempt begins later than this after the first. Milliseconds, default 30 minutes. */
  readonly totalMs?: number;
  /** The same as long as no call has gone well yet, which may be a wrong address. Milliseconds, default 60,000. */
  readonly firstMs?: number;
  /** Longest pause before the second attempt; it doubles from then on. Milliseconds, default 200. */
  readonly pauseMs?: number;
  /** The longest it grows to. Milliseconds, default 30,000. */
  readonly longestPauseMs?: number;
}

/** How long a store that answered before is waited for, where nobody says otherwise. Milliseconds. */
export const PATIENCE_MS = 30 * 60_000;
/** Calls in all where the store is there and what it said may still pass: bytes that did not add up, a lock of another's. */
const ATTEMPTS = 6;

export interface RetryOptions {
  /** Asked anew at each failure where it may change while a call waits. */
  readonly budget?: RetryBudget | (() => RetryBudget);
  /** Told before each pause: why, how long the call has failed by now, and how long it may go on. Milliseconds. */
  readonly onWait?: (error: ColdkeepError, failingMs: number, leftMs: number) => void;
  /** Milliseconds that never go backwards. */
  readonly clock: { monotonic(): number };
  /** Ends the waiting between attempts. */
  readonly signal?: AbortSignal;
  /** How to wait; tests hand in one that moves their clock. */
  readonly wait?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  /** From 0 to 1. */
  readonly random?: () => number;
}

type Retry = <T>(call: (again: boolean) => Promise<T>) => Promise<T>;

/**
 * The same store, with every call repeated that failed for a reason that may pass (`retryable`). Nothing else is
 * repeated, and the last error is thrown as it came. A create that took effect before its answer was lost is told by
 * its bytes and answers `created`. A replace in that case answers `replaced: false`, since another's equal bytes cannot
 * be told from ours: whoever reads again and starts over must find his change done already, as every keeper job does.
 */
export function retrying(store: Store, options: RetryOptions): Store {
  const retry = makeRetry(options);
  return {
    url: store.url,
    head: (name) => retry(() => store.head(name)),
    get: (name, limits) => retry(() => store.get(name, limits)),
    getRange: (name, offset, length, memory) => retry(() => store.getRange(name, offset, length, memory)),
    create: (name, body, o) =>
      retry(async (again) => {
        if (again) await o?.mayRepeat?.(body.bytes.length);
        const outcome = await store.create(name, body);
        if (outcome.created || !outcome.same || !again) return outcome;
        return { created: true, receipt: makeReceipt(name, outcome.info) };
      }),
    replace: (name, bytes, expected) => retry(() => store.replace(name, bytes, expected)),
    list: (prefix) => listAgain(store, prefix, retry),
    lockTerms: () => retry(() => store.lockTerms()),
    lock: (name, until, mode) => retry(() => store.lock(name, until, mode)),
    ...inspecting(store, (inspect) => retry(inspect)),
    ...remembering(store, retry),
  };
}

/** Hands an optional question on to the store that may know its answer. */
export function inspecting(
  store: Store,
  ask: (inspect: () => Promise<StoreTraits>) => Promise<StoreTraits> = (inspect) => inspect(),
): Pick<Store, "inspect"> {
  const inspect = store.inspect?.bind(store);
  return inspect === undefined ? {} : { inspect: () => ask(inspect) };
}

/** Hands an optional history on. */
function remembering({ history }: Store, retry: Retry): Pick<Store, "history"> {
  if (history === undefined) return {};
  return {
    history: {
      versions: (name, most) => retry(() => history.versions(name, most)),
      get: (name, version, options) => retry(() => history.get(name, version, options)),
      getRange: (name, version, offset, length) => retry(() => history.getRange(name, version, offset, length)),
      overwritten: (prefix) => retry(() => history.overwritten(prefix)),
    },
  };
}

/** Repeats a call that failed for a reason that may pass. */
export function makeRetry(options: RetryOptions): Retry {
  const { clock, signal, onWait, random = Math.random } = options;
  const budgetNow = () => (typeof options.budget === "function" ? options.budget() : (options.budget ?? {}));
  const wait = options.wait ?? ((ms, until) => sleep(ms, undefined, until === undefined ? {} : { signal: until }));
  let answered = false;
  /** Since when no call has gone well. Of an outage that outlasted one call's patience the next one waits for no second. */
  let awaySince: number | null = null;
  return async (call) => {
    const began = clock.monotonic();
    for (let attempt = 1; ; attempt += 1) {
      try {
        const result = await call(attempt > 1);
        answered = true;
        awaySince = null;
        return result;
      } catch (error) {
        if (!isColdkeepError(error) || !error.retryable || signal?.aborted) throw error;
        const { totalMs = PATIENCE_MS, firstMs = 60_000, pauseMs = 200, longestPauseMs = 30_000 } = budgetNow();
        const now = clock.monotonic();
        awaySince ??= now;
        const failing = now - Math.min(began, awaySince);
        const left = (answered ? totalMs : Math.min(firstMs, totalMs)) - failing;
        // Full jitter: clients that failed together must not come back together.
        const pause = random() * Math.min(longestPauseMs, pauseMs * 2 ** (attempt - 1));
        if (pause > left || (error.kind !== "vault" && attempt >= ATTEMPTS)) throw error;
        onWait?.(error, failing, left);
        await wait(pause, signal);
      }
    }
  };
}

/** Goes on behind the last name told; the order of names is the store's promise. */
async function* listAgain(store: Store, prefix: string, retry: Retry): AsyncGenerator<ListedObject> {
  let last: string | null = null;
  let rest: AsyncIterator<ListedObject> | null = null;
  for (;;) {
    const next: IteratorResult<ListedObject> = await retry(async (again) => {
      if (again || rest === null) rest = store.list(prefix)[Symbol.asyncIterator]();
      for (;;) {
        const step = await rest.next();
        if (step.done || last === null || step.value.name > last) return step;
      }
    });
    if (next.done) return;
    last = next.value.name;
    yield next.value;
  }
}
