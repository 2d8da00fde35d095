import { expect, it } from "vitest";
import { fromText } from "../../../agent/restore/byte-path.ts";
import { makeSelection } from "../../../agent/restore/select-paths.ts";

it("exclude wins over include, and nothing given means all", () => {
  const selects = makeSelection(["data"], ["*.log"]);
  expect(["data/x", "data/x.log", "other/x"].map(fromText).map(selects)).toEqual([true, false, false]);
  expect(makeSelection()(fromText("anything"))).toBe(true);
});
