import type { Deleter, Store } from "../../vault/store/facets.ts";

/** The end of a simulated process; nothing under test may catch it and go on. */
export class Killed extends Error {}

interface Waiting {
  readonly go: () => void;
  readonly die: (after: boolean) => void;
}

/** A store as one process sees it, whose every call waits until it is let through, or is the process's last. */
export interface Gate {
  readonly store: Store & Deleter;
  /** A second store, as the same process sees it. */
  readonly other: Store & Deleter;
  /** Lets the oldest waiting call through. */
  step(): Promise<void>;
  /** Kills the process before its oldest waiting call takes effect, or after. */
  kill(after: boolean): Promise<void>;
  readonly waiting: number;
}

export function gatedStore(store: Store & Deleter, other: Store & Deleter = store): Gate {
  const queue: Waiting[] = [];
  let dead = false;

  function gated<T>(act: () => Promise<T>): Promise<T> {
    if (dead) return Promise.reject(new Killed());
    return new Promise<T>((resolve, reject) => {
      queue.push({
        go: () => void act().then(resolve, reject),
        die: (after) => void (after ? act() : Promise.resolve()).then(() => reject(new Killed()), reject),
      });
    });
  }

  return {
    store: gateTo(store),
    other: gateTo(other),
    step: async () => {
      queue.shift()?.go();
      await settled();
    },
    kill: async (after) => {
      dead = true;
      const [first, ...rest] = queue.splice(0);
      first?.die(after);
      for (const { die } of rest) die(false);
      await settled();
    },
    get waiting() {
      return queue.length;
    },
  };

  function gateTo(store: Store & Deleter): Store & Deleter {
    return {
      url: store.url,
      lockTerms: () => gated(() => store.lockTerms()),
      lock: (name, until, mode) => gated(() => store.lock(name, until, mode)),
      head: (name) => gated(() => store.head(name)),
      get: (name, options) => gated(() => store.get(name, options)),
      getRange: (name, offset, length) => gated(() => store.getRange(name, offset, length)),
      create: (name, body) => gated(() => store.create(name, body)),
      replace: (name, bytes, expected) => gated(() => store.replace(name, bytes, expected)),
      list: async function* (prefix) {
        // A page of a listing is one call.
        const all = await gated(async () => {
          const found = [];
          for await (const object of store.list(prefix)) found.push(object);
          return found;
        });
        yield* all;
      },
      delete: async function* (plan) {
        for (const object of plan.objects) {
          yield* await gated(async () => {
            const outcomes = [];
            for await (const outcome of store.delete({ ...plan, objects: [object] })) outcomes.push(outcome);
            return outcomes;
          });
        }
      },
    };
  }
}

/** Until all that can go on without another call has. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
