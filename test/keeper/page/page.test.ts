import { createHash } from "node:crypto";
import { runInNewContext } from "node:vm";
import { inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeNode } from "../../../keeper/page/describe.ts";
import { PAGE_POLICY, renderPage } from "../../../keeper/page/render.ts";
import { SCRIPT } from "../../../keeper/page/script.ts";
import { STATES, TIERS } from "../../../keeper/page/types.ts";
import type { IndexEntry } from "../../../vault/card/types.ts";
import { formatBytes, formatCount, formatDuration } from "../../../vault/names/index.ts";
import { DAY, fleet, NOW, nightly, pageInput } from "../../support/page-nodes.ts";

/** A part of the page's script, run by itself, and what it defines. */
function partOf(from: string, to: string, names: string, given: object = {}) {
  const part = SCRIPT.slice(SCRIPT.indexOf(from), SCRIPT.indexOf(to));
  expect(part.length).toBeGreaterThan(100);
  const globals = { atob, Blob, DecompressionStream, Response, TextDecoder, Uint8Array, ...given };
  return runInNewContext(`${part}; ({ ${names} })`, globals);
}

interface Snapshot {
  readonly at: number;
  readonly tier: string;
  readonly state: string;
  readonly proven: boolean;
  readonly pinned: boolean;
  readonly size: number;
  readonly stored: number;
  readonly down: number | null;
  readonly height: number | null;
  readonly id: string;
  readonly remarks: string;
}

/** What the page's script finds in a node's history. */
function unpacked(history: string): Promise<Snapshot[]> {
  const given = {
    nodes: [{ history }],
    packed: new Map(),
    tiers: TIERS,
    STATE: ["G", "E", "B", "D"],
    MINUTE: 60_000,
  };
  return partOf("// ---- histories", "// ---- filters", "unpack", given).unpack(0);
}

const digits = (value: number, count: number) => Number(value.toPrecision(count));

describe("the status page", () => {
  it("tells of 100 nodes with 400 snapshots each in 300 kB", () => {
    const page = renderPage(fleet(100, 400), NOW);
    expect(Buffer.byteLength(page)).toBeLessThanOrEqual(300_000);
  });

  it("may run the one script and the one style that it has, and fetch nothing", () => {
    const page = renderPage(fleet(1, 3), NOW);
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
    expect(policy).toBe(PAGE_POLICY);
    const inside = (tag: string) => page.split(`<${tag}>`)[1]?.split(`</${tag}>`)[0] ?? "";
    for (const [tag, directive] of [
      ["script", "script-src"],
      ["style", "style-src"],
    ] as const) {
      const sum = createHash("sha256").update(inside(tag)).digest("base64");
      expect(policy?.split("; ")).toContain(`${directive} 'sha256-${sum}'`);
    }
    expect(policy?.split("; ")).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(page).not.toMatch(/\b(?:src|href)="(?!#|data:,")/);
    expect(page).not.toMatch(/\son[a-z]+=|\sstyle=/);
  });

  it("keeps words from a vault words, whatever they are", () => {
    const evil = `</script><script>alert(1)</script><img src=x onerror=alert(1)>"'&\u202e\u2066gnp.exe\u0000\u2028]]>-->${"x".repeat(5000)}`;
    const entries = nightly(3, "evil", {
      profile: evil,
      tags: [evil, "meta:a=b"],
      remarks: [evil],
      state: "damaged",
      heights: { [evil]: 7 },
    });
    const page = renderPage(
      [describeNode(pageInput(evil, entries, { vault: evil, paused: { until: NOW, reason: evil } }))],
      NOW,
    );
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page.match(/<img/g)).toBeNull();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(page).not.toMatch(/[\u0000-\u0009\u202a-\u202e\u2066-\u2069]/);
    expect(page.length).toBeLessThan(80_000);
  });

  it("holds back nothing of 10,000 snapshots, and stays small", async () => {
    const one = describeNode(pageInput("long", nightly(10_000, "long")));
    expect(await unpacked(one.history)).toHaveLength(10_000);
    expect(renderPage([one], NOW).length).toBeLessThan(120_000);
  });

  it("writes figures as the command line does", () => {
    const own = partOf("// As the command line", "// ---- what is amiss", "bytesOf, spanOf, countOf", {
      MINUTE: 60_000,
    });
    const sizes = fc.oneof(
      fc.nat(),
      fc.maxSafeNat(),
      fc.constantFrom(999, 1000, 999_499, 999_500, 9_949, 9_950, 99_500),
    );
    fc.assert(
      fc.property(sizes, (value) => {
        expect(own.bytesOf(value)).toBe(formatBytes(value));
        expect(own.spanOf(value)).toBe(formatDuration(value));
        expect(own.countOf(value)).toBe(formatCount(value));
      }),
    );
  });

  it("finds in a packed history what was packed", async () => {
    const figure = fc.oneof(fc.nat(5000), fc.nat(), fc.maxSafeNat());
    const plain = {
      gap: 0,
      total: 0,
      stored: 0,
      down: null,
      height: null,
      state: "good" as const,
      proven: false,
      pinned: false,
    };
    const snapshot = fc.record({
      gap: fc.oneof(fc.nat(90_000), fc.nat(2 ** 31 - 1)),
      total: figure,
      stored: figure,
      down: fc.option(fc.nat(10_000_000), { nil: null }),
      height: fc.option(figure, { nil: null }),
      state: fc.constantFrom("good", "expired", "broken", "damaged"),
      proven: fc.boolean(),
      pinned: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(snapshot, { maxLength: 40 }), async (rows) => {
        let received = NOW;
        const entries = nightly(rows.length, "any").map((entry, at): IndexEntry => {
          const { gap, total, stored, down, height, state, proven, pinned } = rows[at] as (typeof rows)[number];
          received -= gap;
          const { heights: _, downtime_ms: __, proven: ___, ...rest } = entry;
          return {
            ...rest,
            received,
            state: state as IndexEntry["state"],
            bytes: { total, stored, added: 0, files: 1 },
            ...(height === null ? {} : { heights: { "": height } }),
            ...(down === null ? {} : { downtime_ms: down }),
            ...(proven ? { proven: NOW } : {}),
            ...(pinned ? { pinned: true as const } : {}),
          };
        });
        const found = await unpacked(describeNode(pageInput("any", entries)).history);
        expect(found).toHaveLength(entries.length);
        const most = Math.max(0, ...entries.map(({ heights }) => heights?.[""] ?? 0));
        for (const [at, entry] of entries.entries()) {
          const told = found[at] as Snapshot;
          expect(told.at).toBe(Math.floor(entry.received / 60_000) * 60_000);
          expect(STATES.find(([letter]) => letter === told.state)?.[1]).toBe(entry.state);
          expect([told.proven, told.pinned]).toEqual([entry.proven !== undefined, entry.pinned === true]);
          expect(digits(told.size, 3)).toBe(digits(entry.bytes.total, 3));
          expect(Math.abs(told.stored - entry.bytes.stored)).toBeLessThanOrEqual(entry.bytes.stored / 20);
          if (entry.downtime_ms === undefined) expect(told.down).toBeNull();
          else expect(Math.abs((told.down ?? -1) - entry.downtime_ms)).toBeLessThanOrEqual(entry.downtime_ms / 20);
          const height = entry.heights?.[""];
          if (height === undefined) expect(told.height).toBeNull();
          else expect(height - (told.height ?? -1)).toBeLessThanOrEqual(most / 100);
          if (at < 7) expect(told.id).toBe(entry.snapshot);
        }
      }),
      // A height as large as a number may be, beside a snapshot without one.
      { numRuns: 60, examples: [[[{ ...plain, height: 2 ** 52 }, plain]]] },
    );
  });

  it("tells what keeps a snapshot, the longest first, and is not misled by tags", async () => {
    const entries = nightly(60, "tiers");
    const tagged = entries[50] as IndexEntry;
    entries[50] = { ...tagged, tags: ["yearly"] };
    const told = await unpacked(describeNode(pageInput("tiers", entries)).history);
    const tierOn = (day: string) => told.find(({ at }) => new Date(at).toISOString().startsWith(day))?.tier;
    expect(tierOn("2026-11-27")).toBe("d");
    expect(tierOn("2026-11-22")).toBe("w");
    expect(tierOn("2026-10-31")).toBe("m");
    expect(tierOn("2026-10-28")).toBe("n");
    expect(told.filter(({ tier }) => tier === "y")).toEqual([]);
  });

  it("puts first what is amiss, the worst of it at the top", () => {
    const fine = describeNode(pageInput("a-fine", nightly(5, "fine")));
    const old = describeNode(pageInput("z-old", nightly(5, "old", {}, 5 * DAY)));
    const none = describeNode(pageInput("m-none", []));
    const page = renderPage([fine, old, none], NOW);
    expect([...page.matchAll(/<h3>([^<]*)/g)].map(([, name]) => name)).toEqual(["m-none", "z-old", "a-fine"]);
    expect(page).toContain("2 of 3 backups need attention");
    expect(renderPage([fine], NOW)).toContain("The backup is good");
    expect(renderPage([], NOW)).toContain("There are no nodes yet");
  });

  it("holds no digest, no key and no name of a writer", () => {
    const [packed = "", ...histories] = (/id="data">([^<]*)</.exec(renderPage(fleet(2, 9), NOW))?.[1] ?? "").split(" ");
    const told = [packed, ...histories]
      .map((text) => inflateRawSync(Buffer.from(text, "base64")).toString("latin1"))
      .join("");
    expect(told).toContain("validator-001");
    expect(told).not.toMatch(/sha256|writer|card|origins/);
  });
});
