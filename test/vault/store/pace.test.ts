import { expect, it } from "vitest";
import { makePace } from "../../../vault/store/s3/pace.ts";

const BOUNDS = { first: 8, least: 4, most: 32 };

/** Calls that end when told. */
function held(pace: ReturnType<typeof makePace>) {
  const ends: { ok: () => void; fail: () => void }[] = [];
  const start = () =>
    pace
      .run(() => new Promise<void>((ok, bad) => ends.push({ ok, fail: () => bad(new Error("slow down")) })))
      .catch(() => {});
  return { ends, start };
}

it("no more calls are under way than the bound allows; the others wait their turn", async () => {
  const { ends, start } = held(makePace(BOUNDS, () => true));
  const all = Array.from({ length: 20 }, start);
  await Promise.resolve();
  expect(ends).toHaveLength(8);
  for (let done = 0; done < 20; done += 1) {
    ends[done]?.ok();
    await new Promise(setImmediate);
  }
  await Promise.all(all);
  expect(ends).toHaveLength(20);
});

it("the bound is halved once by calls of one moment, down to the least, and grows again, up to the most", async () => {
  const pace = makePace(BOUNDS, () => true);
  const { ends, start } = held(pace);
  const all = Array.from({ length: 8 }, start);
  await Promise.resolve();
  for (const { fail } of ends) fail();
  await Promise.all(all);
  expect(pace.bound).toBe(4);
  await pace.run(async () => Promise.reject(new Error("slow down"))).catch(() => {});
  expect(pace.bound).toBe(4);
  for (let i = 0; i < 3000; i += 1) {
    const round = Array.from({ length: pace.bound }, () => pace.run(async () => {}));
    await Promise.all(round);
  }
  expect(pace.bound).toBe(32);
});

it("errors that are no wish to be asked less often leave the bound as it is", async () => {
  const pace = makePace(BOUNDS, () => false);
  await pace.run(async () => Promise.reject(new Error("denied"))).catch(() => {});
  expect(pace.bound).toBe(8);
});
