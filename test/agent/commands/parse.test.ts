import { describe, expect, it } from "vitest";
import { hoistGlobals, wantsJson } from "../../../agent/commands/globals.ts";
import { heightOfChannel, moment, namedRoot, wholeNumber } from "../../../agent/commands/parse.ts";
import { selectionOf } from "../../../agent/commands/selection.ts";

describe("a time", () => {
  it.each([
    ["2026-01-15", "2026-01-15T00:00:00.000Z"],
    ["2026-01-15 00:00", "2026-01-15T00:00:00.000Z"],
    ["2026-01-15 23:59:58", "2026-01-15T23:59:58.000Z"],
    ["2026-01-15T09:00:00+09:00", "2026-01-15T00:00:00.000Z"],
    ["2026-01-15T00:00:00Z", "2026-01-15T00:00:00.000Z"],
    ["2024-02-29", "2024-02-29T00:00:00.000Z"],
  ])("%s is %s", (text, iso) => expect(new Date(moment(text)).toISOString()).toBe(iso));

  it.each([
    "",
    "now",
    "15.01.2026",
    "2026-02-31",
    "2026-02-29",
    "2026-13-01",
    "2026-01-15 24:01",
    "2026-01-15 0:00",
    "1768435200",
  ])("%j is none", (text) => expect(() => moment(text)).toThrow(/2026-01-15 00:00/));
});

describe("numbers, heights and roots", () => {
  it("are taken strictly", () => {
    expect(wholeNumber("1200")).toBe(1200);
    for (const text of ["", "-1", "1.5", "1e3", "0x10", "01", " 1", "9007199254740993"])
      expect(() => wholeNumber(text)).toThrow();
    expect(heightOfChannel("7")).toEqual({ height: 7 });
    expect(heightOfChannel("my=channel=19")).toEqual({ channel: "my=channel", height: 19 });
    expect(namedRoot("data=/srv/a=b")).toEqual({ name: "data", path: "/srv/a=b" });
    for (const text of ["data", "=/x", "Data=/x", "data=x", "a/b=/x"])
      expect(() => namedRoot(text)).toThrow(/data=\/srv/);
  });
});

describe("global flags before the command", () => {
  it.each([
    [
      ["--config", "c", "list"],
      ["list", "--config", "c"],
    ],
    [
      ["--json", "-v", "--node=a", "show", "latest"],
      ["show", "latest", "--json", "-v", "--node=a"],
    ],
    [
      ["--json", "show", "--", "--odd"],
      ["show", "--json", "--", "--odd"],
    ],
    [
      ["--log-format", "json", "config", "check"],
      ["config", "check", "--log-format", "json"],
    ],
    [
      ["list", "--json"],
      ["list", "--json"],
    ],
    [["--help"], ["--help"]],
    [["--json"], ["--json"]],
  ])("%j are read as %j", (argv, words) => expect(hoistGlobals(argv)).toEqual(words));

  it("ask for JSON only before a --", () => {
    expect(wantsJson(["show", "--json"])).toBe(true);
    expect(wantsJson(["show", "--", "--json"])).toBe(false);
  });
});

describe("choosing a snapshot", () => {
  it("goes by one way only, by the latest where none is said", () => {
    expect(selectionOf(undefined, {})).toEqual({ by: "latest" });
    expect(selectionOf("latest", {})).toEqual({ by: "latest" });
    expect(selectionOf("2026", {})).toEqual({ by: "id", id: "2026" });
    expect(selectionOf(undefined, { at: 5 })).toEqual({ by: "at", time: 5 });
    expect(selectionOf(undefined, { height: { height: 5 } })).toEqual({ by: "height", height: 5 });
    expect(() => selectionOf("latest", { at: 5 })).toThrow(/one way only/);
  });
});
