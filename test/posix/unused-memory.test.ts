import { expect, it } from "vitest";
import { unusedMemory } from "../../posix/unused-memory.ts";

it("tells the memory in which nothing lies, not what could be given back", () => {
  expect(unusedMemory("MemTotal:       24683520 kB\nMemFree:        11497816 kB\nMemAvailable:   15620000 kB\n")).toBe(
    11_497_816 * 1024,
  );
  expect(unusedMemory("")).toBe(0);
  expect(unusedMemory()).toBeGreaterThan(0);
});
