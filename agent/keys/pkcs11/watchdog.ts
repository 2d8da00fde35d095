import { extname } from "node:path";
import { Worker } from "node:worker_threads";

/** What the watching thread is given. */
export interface Watch {
  /** Two 32-bit numbers: how many calls began and ended, odd while one runs; and which of `calls` that is. */
  readonly shared: SharedArrayBuffer;
  readonly calls: readonly string[];
  readonly limitMs: number;
  /** Where it writes: a file descriptor, for the thread that would print is the one that hangs. */
  readonly fd: number;
  readonly library: string;
  readonly pid: number;
}

/**
 * The same library, whose calls are watched. Logging in, looking for keys and the like run on the calling thread inside
 * the vendor's code (PKCS#11 knows no limit of time, and pkcs11js offers these calls in no other way), so while one hangs
 * no timer fires and no signal is answered. A second thread sees that and says it; it ends nothing, as only whoever looks
 * at the HSM can tell a slow one from a dead one, and the node is up while keys are loaded and snapshot keys wrapped.
 * @param o.limitMs How long a call may take before it is told; it is told once a call.
 */
export function watched<T extends object>(
  lib: T,
  o: { readonly library: string; readonly limitMs: number; readonly fd?: number },
): T {
  const calls = callsOf(lib);
  const shared = new SharedArrayBuffer(8);
  const state = new Int32Array(shared);
  const { library, limitMs, fd = 2 } = o;
  const workerData: Watch = { shared, calls, limitMs, fd, library, pid: process.pid };
  const worker = new Worker(new URL(`./watchdog.worker${extname(import.meta.url)}`, import.meta.url), { workerData });
  worker.unref();
  // Without its watch the library does what it did; that is no reason to fail.
  worker.on("error", () => {});
  const step = () => {
    Atomics.add(state, 0, 1);
    Atomics.notify(state, 0);
  };
  return new Proxy(lib, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const call = calls.indexOf(String(name));
      return (...words: unknown[]): unknown => {
        if (call < 0) return Reflect.apply(value, target, words);
        Atomics.store(state, 1, call);
        step();
        try {
          return Reflect.apply(value, target, words);
        } finally {
          step();
        }
      };
    },
  });
}

/** The calls that return only when they are done. */
function callsOf(lib: object): string[] {
  const names = new Set<string>();
  for (let at: object | null = lib; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return [...names].filter((name) => /^(C_|load$)/.test(name) && !name.endsWith("Async"));
}
