import { describe, expect, it } from "vitest";
import { makeRecent } from "../../keeper/recent.ts";

describe("what was last asked for", () => {
  it("is kept up to a weight; what is asked for least recently goes first", () => {
    const recent = makeRecent<string, number>(10);
    for (const [n, key] of ["a", "b", "c"].entries()) recent.set(key, n, 3);
    expect(recent.get("a")).toBe(0);
    recent.set("d", 3, 3);
    expect(["a", "b", "c", "d"].map(recent.get)).toEqual([0, undefined, 2, 3]);
  });

  it("weighs what is set again by its last weight", () => {
    const recent = makeRecent<string, number>(10);
    recent.set("a", 0, 9);
    recent.set("a", 1, 1);
    recent.set("b", 2, 9);
    expect(["a", "b"].map(recent.get)).toEqual([1, 2]);
  });

  it("has the newest in any case", () => {
    const recent = makeRecent<string, number>(0);
    recent.set("a", 0, 5);
    recent.set("b", 1, 5);
    expect(["a", "b"].map(recent.get)).toEqual([undefined, 1]);
  });
});
