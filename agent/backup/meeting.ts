import type { Meeting } from "../freeze/types.ts";

/** What became of a member so far, in order; `left` is one that will take no further part. */
type Step = "away" | "ready" | "stopping" | "stopped" | "frozen" | "up" | "done" | "left";

const AFTER: readonly Step[] = ["away", "ready", "stopping", "stopped", "frozen", "up", "done", "left"];

/** Stands for the failure of another member, whose own words come when its run ends. */
export class OtherFailed extends Error {
  constructor() {
    super("another member of the group failed");
  }
}

/** One member of a group, as it comes to each point where it waits for others. */
export interface Seat extends Meeting {
  /**
   * Prepared: waits for all others to be, then for its turn to stop. @throws the first member's failure, and the signal's
   * reason; its node was not touched.
   */
  mayStop(signal: AbortSignal): Promise<void>;
  /**
   * Frozen, and its node up again: waits until all are, then for its turn to be stored. @throws the first member's
   * failure, and the signal's reason.
   */
  mayStore(signal: AbortSignal): Promise<void>;
  /** Stored, or not: nobody waits for it any more. `error` is why it failed; the first one's is told to all. */
  leave(error?: unknown): void;
}

export interface GroupMeeting {
  readonly seats: ReadonlyMap<string, Seat>;
  /** Resolves once that member is prepared, or has left. */
  prepared(name: string): Promise<void>;
}

/**
 * Lets the runs of several nodes meet, so that their nodes are down at the same time or one after the other, and none is
 * stored where one failed. All are prepared before the first is stopped; they are stopped in this order and started the
 * other way round, also where something goes wrong.
 */
export function makeMeeting(order: readonly string[], down: "together" | "one-by-one"): GroupMeeting {
  const steps = new Map<string, Step>(order.map((name) => [name, "away"]));
  const waiting = new Set<() => void>();
  let failure: { readonly error: unknown } | null = null;

  const set = (name: string, step: Step) => {
    steps.set(name, step);
    for (const wake of waiting) wake();
  };
  const has = (name: string, step: Step) => AFTER.indexOf(steps.get(name) ?? "left") >= AFTER.indexOf(step);
  const all = (names: readonly string[], step: Step) => names.every((name) => has(name, step));

  async function until(holds: () => boolean, signal?: AbortSignal): Promise<void> {
    while (!holds()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      signal?.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      waiting.delete(resolve);
      signal?.throwIfAborted();
    }
  }
  async function untilAll(names: readonly string[], step: Step, signal: AbortSignal): Promise<void> {
    await until(() => failure !== null || all(names, step), signal);
    if (failure !== null) throw failure.error;
  }

  const seats = new Map<string, Seat>(
    order.map((name, index) => {
      const before = order.slice(0, index);
      const after = order.slice(index + 1);
      return [
        name,
        {
          async mayStop(signal) {
            set(name, "ready");
            await untilAll(order, "ready", signal);
            await untilAll(before, down === "together" ? "stopped" : "up", signal);
            set(name, "stopping");
          },
          stopped: () => set(name, "stopped"),
          async mayStart(frozen) {
            // One that failed is down as well, and starts when its turn comes; the others then wait for nobody's freeze.
            if (!frozen) failure ??= { error: new OtherFailed() };
            set(name, "frozen");
            if (down === "one-by-one") return;
            const isDown = (other: string) => ["stopping", "stopped", "frozen"].includes(steps.get(other) ?? "left");
            await until(() => failure !== null || all(order, "frozen"));
            await until(() => !after.some(isDown));
          },
          async mayStore(signal) {
            set(name, "up");
            await untilAll(order, "up", signal);
            await untilAll(before, "done", signal);
          },
          leave(error) {
            if (error !== undefined)
              failure = failure === null || failure.error instanceof OtherFailed ? { error } : failure;
            set(name, error === undefined ? "done" : "left");
          },
        } satisfies Seat,
      ];
    }),
  );
  return { seats, prepared: (name) => until(() => has(name, "ready")) };
}
