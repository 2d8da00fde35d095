import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeBucket } from "../../../agent/backup/bucket.ts";

/** A clock that stands still while nobody waits; who waits is woken early at times, as timers do. */
function fakeTime(early: readonly number[] = []) {
  let now = 1_000_000;
  let waits = 0;
  const sleepers: { at: number; wake: () => void }[] = [];
  return {
    monotonic: () => now,
    waits: () => waits,
    /** Nobody waits: that many milliseconds pass. */
    pass: (ms: number) => {
      now += ms;
    },
    wait(ms: number, signal?: AbortSignal): Promise<void> {
      signal?.throwIfAborted();
      expect(ms).toBeGreaterThan(0);
      const share = early[waits % Math.max(1, early.length)] ?? 1;
      waits += 1;
      return new Promise((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
        sleepers.push({ at: now + Math.max(0.01, ms * share), wake: resolve });
      });
    },
    /** Wakes one after the other until `done`. */
    async until(done: Promise<unknown>): Promise<void> {
      let over = false;
      void done.then(() => {
        over = true;
      });
      for (;;) {
        for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
        if (over) return;
        sleepers.sort((a, b) => a.at - b.at);
        const next = sleepers.shift();
        if (next === undefined) continue;
        now = Math.max(now, next.at);
        next.wake();
      }
    },
  };
}

const step = fc.record({ amount: fc.integer({ min: 0, max: 5000 }), pause: fc.integer({ min: 0, max: 3000 }) });

describe("a bucket", () => {
  it("never lets more through than its rate and one burst, in order, and not less than its rate either", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          perSecond: fc.integer({ min: 1, max: 10_000 }),
          burst: fc.integer({ min: 0, max: 5000 }),
          steps: fc.array(step, { minLength: 1, maxLength: 30 }),
          early: fc.array(fc.double({ min: 0.3, max: 1, noNaN: true }), { maxLength: 4 }),
          abreast: fc.boolean(),
        }),
        async ({ perSecond, burst, steps, early, abreast }) => {
          const time = fakeTime(early);
          const bucket = makeBucket({ perSecond, burst, monotonic: time.monotonic, wait: time.wait });
          const began = time.monotonic();
          const order: number[] = [];
          let through = 0;
          const all = steps.map(({ amount }) => amount).reduce((a, b) => a + b, 0);
          const one = async (index: number, amount: number) => {
            await bucket.take(amount);
            through += amount;
            order.push(index);
            const seconds = (time.monotonic() - began) / 1000;
            expect(through).toBeLessThanOrEqual(perSecond * seconds + burst + 1e-3);
          };
          if (abreast) await time.until(Promise.all(steps.map(({ amount }, index) => one(index, amount))));
          else
            for (const [index, { amount, pause }] of steps.entries()) {
              time.pass(pause);
              await time.until(one(index, amount));
            }
          expect(order).toEqual(steps.map((_, index) => index));
          const idle = abreast ? 0 : steps.reduce((sum, { pause }) => sum + pause, 0);
          // What it takes, all pauses, and what is slept too long: less than 1 ms each.
          expect(time.monotonic() - began).toBeLessThanOrEqual((all / perSecond) * 1000 + idle + steps.length + 1);
        },
      ),
      {
        numRuns: 200,
        examples: [
          // Nothing is asked for, and its time comes with that of another, whose timer wakes once more.
          [
            {
              perSecond: 1,
              burst: 0,
              steps: [
                { amount: 1, pause: 0 },
                { amount: 0, pause: 0 },
              ],
              early: [0.3, 0.31],
              abreast: true,
            },
          ],
        ],
      },
    );
  });

  it("lets a burst through at once, also after the longest pause no more than one", async () => {
    const time = fakeTime();
    const bucket = makeBucket({ perSecond: 100, burst: 50, monotonic: time.monotonic, wait: time.wait });
    await bucket.take(50);
    time.pass(3_600_000);
    await bucket.take(50);
    expect(time.waits()).toBe(0);
    await time.until(bucket.take(1));
    expect(time.waits()).toBe(1);
  });

  it("lets go of who gives up", async () => {
    const time = fakeTime();
    const bucket = makeBucket({ perSecond: 1, burst: 0, monotonic: time.monotonic, wait: time.wait });
    const giveUp = new AbortController();
    const taken = bucket.take(1000, giveUp.signal);
    giveUp.abort(new Error("no more"));
    await expect(taken).rejects.toThrow("no more");
  });
});
