import { describe, expect, it } from "vitest";
import { type Lane, makeLanes } from "../../../agent/restore/lanes.ts";

describe("pieces on their way to the disk and back", () => {
  it("have memory that nobody else has, and wait where there is none", async () => {
    const lanes = makeLanes();
    const ends: (() => void)[] = [];
    const held = new Set<Lane>();
    for (let n = 0; n < 3; n += 1) {
      const lane = await lanes.take();
      held.add(lane);
      lanes.begin(lane, () => new Promise((resolve) => ends.push(resolve)));
    }
    const buffers = [...held].flatMap(({ plain, back }) => [plain.buffer, back.buffer]);
    expect(new Set(buffers).size).toBe(6);
    let got: Lane | null = null;
    const fourth = lanes.take().then((lane) => {
      got = lane;
    });
    await new Promise(setImmediate);
    expect(got).toBeNull();
    ends[1]?.();
    await fourth;
    expect(got).toBe([...held][1]);
    for (const end of ends) end();
    await lanes.drain();
  });

  it("that fail end the job: nothing more is begun, and what runs is waited for", async () => {
    const lanes = makeLanes();
    const lane = await lanes.take();
    lanes.begin(lane, () => Promise.reject(new Error("the disk is gone")));
    const other = await lanes.take();
    let ended = false;
    lanes.begin(other, async () => {
      await new Promise(setImmediate);
      ended = true;
    });
    await expect(lanes.drain()).rejects.toThrow("the disk is gone");
    expect(ended).toBe(true);
    await expect(lanes.take()).rejects.toThrow("the disk is gone");
    await lanes.settle();
  });
});
