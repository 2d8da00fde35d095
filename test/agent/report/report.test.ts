import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  counted,
  facts,
  failureDocument,
  failureText,
  formatBytes,
  formatCount,
  formatDuration,
  formatHeights,
  formatRate,
  formatTime,
  keptProgress,
  logLine,
  logProgress,
  safe,
  stylesFor,
  table,
  terminalProgress,
} from "../../../agent/report/index.ts";
import { ColdkeepError } from "../../../vault/names/index.ts";

const plain = stylesFor({ write() {} }, {});

/** A clock that the test moves, and a sink that keeps what was written. */
function stage(options: { isTTY?: boolean; columns?: number } = {}) {
  let time = 0;
  let text = "";
  return {
    sink: {
      ...options,
      write: (part: string) => {
        text += part;
      },
    },
    clock: { now: () => Date.UTC(2026, 0, 15) + time, monotonic: () => time },
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
    written: () => text,
  };
}

describe("figures", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [12_345, "12.3 kB"],
    [999_499, "999 kB"],
    [999_500, "1.00 MB"],
    [4_294_967_296, "4.29 GB"],
    [Number.MAX_SAFE_INTEGER, "9.01 PB"],
  ])("%i bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0.4, "0 ms"],
    [85, "85 ms"],
    [999.6, "1.0 s"],
    [59_949, "59.9 s"],
    [59_960, "1m 00s"],
    [185_000, "3m 05s"],
    [3_599_600, "1h 00m"],
    [7_800_000, "2h 10m"],
    [360_000_000, "4d 4h"],
  ])("%d ms are %s", (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));

  it("say counts, rates, times and heights in words", () => {
    expect(formatCount(1_234_567)).toBe("1,234,567");
    expect(formatCount(999)).toBe("999");
    expect([counted(1, "file"), counted(2, "file"), counted(2, "entry", "entries")]).toEqual([
      "1 file",
      "2 files",
      "2 entries",
    ]);
    expect(formatRate(5_000_000, 1000)).toBe("5.00 MB/s");
    expect(formatRate(5, 0)).toBe("");
    expect(formatTime(Date.UTC(2026, 0, 15, 1, 2, 3, 456))).toBe("2026-01-15 01:02:03Z");
    expect(formatTime(Number.MAX_VALUE)).toBe("unknown");
    expect(formatHeights(null)).toBe("-");
    expect(formatHeights({ "": 81_234 })).toBe("81,234");
    expect(formatHeights({ mychannel: 19, other: 7 })).toBe("mychannel 19, other 7");
  });

  it("never have more than five characters before their unit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 15 }), (bytes) => {
        expect(formatBytes(bytes)).toMatch(/^\d{1,3}(\.\d{1,2})? (B|kB|MB|GB|TB|PB)$/);
      }),
    );
  });
});

describe("text from elsewhere", () => {
  it("cannot move the cursor, hide words or begin a new line of the log", () => {
    expect(safe("a\u001b[2Kb\rc\u202ed\u0007")).toBe("a\\u001b[2Kb\\u000dc\\u202ed\\u0007");
    expect(logLine("text", 0, "info", "one\ntwo \u001b[31m", { file: "x\ny" })).toBe(
      '1970-01-01T00:00:00.000Z info one\\ntwo \\u001b[31m file="x\\\\ny"\n',
    );
    expect(table([{ title: "A" }], [["\u001b[31mred"]])).toBe("A\n\\u001b[31mred");
  });

  it("leaves every log line one line, in both forms", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (words, field) => {
        for (const format of ["text", "json"] as const) {
          expect(logLine(format, 0, "warn", words, { field }).split("\n").length).toBe(2);
        }
        expect(JSON.parse(logLine("json", 0, "warn", words, { field }))).toMatchObject({ message: words, field });
      }),
    );
  });
});

describe("tables", () => {
  it("align words left and numbers right, without trailing spaces", () => {
    const text = table(
      [{ title: "NAME" }, { title: "SIZE", align: "right" }, { title: "" }],
      [
        ["a", "10", ""],
        ["long name", "9", "x"],
      ],
    );
    expect(text).toBe("NAME       SIZE\na            10\nlong name     9  x");
    expect(
      facts([
        ["a", "1"],
        ["long", "2\n3"],
      ]),
    ).toBe("a     1\nlong  2\n      3");
  });
});

describe("colours", () => {
  it("are for terminals, and for nobody who says NO_COLOR", () => {
    const terminal = { write() {}, isTTY: true };
    expect(stylesFor(terminal, {}).bad("x")).toContain("\u001b[31m");
    expect(stylesFor(terminal, { NO_COLOR: "1" }).bad("x")).toBe("x");
    expect(stylesFor(terminal, { TERM: "dumb" }).bad("x")).toBe("x");
    expect(stylesFor({ write() {} }, {}).bad("x")).toBe("x");
  });
});

describe("progress on a pipe", () => {
  it("is one structured line an event, and a heartbeat in long stages", () => {
    const { sink, clock, pass, written } = stage();
    const progress = logProgress(sink, clock, "text");
    progress.stage("store", 100);
    pass(10_000);
    progress.advance(40);
    pass(25_000);
    progress.advance(30);
    progress.warn("a\nb");
    pass(1000);
    progress.stage("commit");
    progress.close(true);
    expect(written().split("\n")).toEqual([
      "2026-01-15T00:00:00.000Z info store total=100",
      "2026-01-15T00:00:35.000Z info store bytes=70 total=100 bytes_per_s=2 left_s=15",
      "2026-01-15T00:00:35.000Z warn a\\nb",
      "2026-01-15T00:00:36.000Z info store: done ms=36000 bytes=70",
      "2026-01-15T00:00:36.000Z info commit",
      "2026-01-15T00:00:36.000Z error commit: ended early ms=0",
      "",
    ]);
    expect(written()).not.toContain("\u001b");
    expect(written()).not.toContain("\r");
  });
});

describe("progress on a terminal", () => {
  it("redraws one line with share, rate and time left, and leaves finished stages", () => {
    const { sink, clock, pass, written } = stage({ isTTY: true, columns: 0 });
    const progress = terminalProgress(sink, clock, plain);
    progress.stage("store", 1_000_000_000);
    pass(4000);
    progress.advance(250_000_000);
    expect(written()).toContain("█████░░░░░░░░░░░░░░░  25 % 250 MB of 1.00 GB 62.5 MB/s 12.0 s left");
    progress.note("a socket was skipped");
    pass(2000);
    progress.close();
    const lines = written().split("\u001b[2K").at(-1);
    expect(lines).toBe("✓ store      250 MB in 6.0 s, 41.7 MB/s\n");
  });

  it("never writes more than a line is wide, and not more often than ten times a second", () => {
    const { sink, clock, pass, written } = stage({ isTTY: true, columns: 30 });
    const progress = terminalProgress(sink, clock, plain);
    progress.stage("a stage with quite a long name", 100);
    for (let turn = 0; turn < 1000; turn += 1) {
      pass(1);
      progress.advance(0);
    }
    const drawn = written().split("\r\u001b[2K");
    expect(drawn.length).toBeLessThanOrEqual(11);
    for (const line of drawn) expect(line.length).toBeLessThan(30);
  });
});

it("progress under --json says nothing and keeps the warnings", () => {
  const progress = keptProgress();
  progress.stage("x");
  progress.warn("look at this");
  expect(progress.warnings).toEqual(["look at this"]);
});

describe("errors", () => {
  const error = new ColdkeepError("key", {
    what: "the key has the wrong length",
    on: "encrypt_key",
    why: "15 bytes",
    todo: "take another",
  });

  it("are read as what failed, then what to do", () => {
    expect(failureText(error, { verbose: false, styles: plain })).toBe(
      "coldkeep: the key has the wrong length: encrypt_key: 15 bytes\nTake another.",
    );
    expect(failureDocument(error, 4, false)).toEqual({
      error: {
        kind: "key",
        message: "the key has the wrong length: encrypt_key: 15 bytes. take another",
        exit_code: 4,
        what: "the key has the wrong length",
        on: "encrypt_key",
        why: "15 bytes",
        todo: "take another",
      },
    });
  });

  it("that are defects ask for a report, and show their stack with -v only", () => {
    const defect = new TypeError("x is undefined");
    const short = failureText(defect, { verbose: false, styles: plain });
    expect(short).toContain("internal error: x is undefined\nThis is a defect in coldkeep. Please report it");
    expect(short).not.toContain("report.test.ts");
    expect(failureText(defect, { verbose: true, styles: plain })).toContain("report.test.ts");
    expect(failureDocument(defect, 1, false).error).not.toHaveProperty("stack");
  });
});
