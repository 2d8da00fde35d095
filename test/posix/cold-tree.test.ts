import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isCold } from "../../posix/cold-tree.ts";
import { tempDir } from "../support/tmp.ts";

/** A clock by which each look takes so long. */
function clock(ms: readonly number[]) {
  let now = 0;
  let asked = 0;
  return {
    asked: () => asked / 2,
    monotonic() {
      if (asked % 2 === 1) now += ms[(asked - 1) / 2] ?? 0;
      asked += 1;
      return now;
    },
  };
}

describe("whether a tree is in memory", () => {
  it("is told by how long a few of its folders take, however many there are", () => {
    const root = tempDir();
    for (let n = 0; n < 200; n += 1) mkdirSync(join(root, `${n}`, "below"), { recursive: true });
    writeFileSync(join(root, "file"), "content");
    const warm = clock([4, 1, 1, 1, 9, 1, 2, 1, 1, 1, 5, 2]);
    expect(isCold(root, warm)).toBe(false);
    expect(warm.asked()).toBe(12);
    expect(isCold(root, clock([4, 1, 4, 1, 9, 1, 1, 1, 1, 1, 7, 2]))).toBe(true);
  });

  it("is of no interest where nothing can be looked at", () => {
    expect(isCold(join(tempDir(), "none"), clock([1, 1]))).toBe(false);
  });
});
