import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assertMayWork } from "../../../vault/card/index.ts";
import { VERSION } from "../../../vault/names/index.ts";
import { refusal } from "../sealed/fixtures.ts";

const asks = (min_agent: string, min_keeper: string) => ({ format: 1, created: 1, min_agent, min_keeper }) as const;

describe("a vault that asks for a version", () => {
  it.each([
    ["0.1.0", "0.1.0"],
    ["0.1.0", "0.0.9"],
    ["0.10.0", "0.9.9"],
    ["1.0.0", "0.99.99"],
    ["2.0.0-rc.1", "2.0.0"],
  ])("%s may change one of %s or newer", (own, needed) => {
    assertMayWork(asks(needed, "9.9.9"), "agent", own);
    assertMayWork(asks("9.9.9", needed), "keeper", own);
  });

  it.each([
    ["0.1.0", "0.1.1"],
    ["0.9.9", "0.10.0"],
    ["0.99.99", "1.0.0"],
    ["1.9.0", "1.10.0"],
  ])("%s may not change one of %s or newer, and is told which", (own, needed) => {
    const error = refusal(() => assertMayWork(asks(needed, "0.0.1"), "agent", own), "refused");
    expect(error.message).toContain(`its agent must be of version ${needed} or newer, this is ${own}`);
    expect(error.todo).toContain(needed);
    refusal(() => assertMayWork(asks("0.0.1", needed), "keeper", own), "refused");
  });
});

it("the version in the code is the package's", () => {
  expect(VERSION).toBe(JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")).version);
});
