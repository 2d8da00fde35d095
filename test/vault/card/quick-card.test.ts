import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Card, canonicalBytes, encodeCard, parseCard, signCard } from "../../../vault/card/index.ts";
import { isQuicklyCard } from "../../../vault/card/quick-card.ts";
import { makeSnapshotId } from "../../../vault/names/index.ts";
import { core, signingKey } from "./fixtures.ts";

/** What the schema says: an encoder asks it alone. */
function isCardBySchema(value: unknown): boolean {
  try {
    encodeCard(value as Card);
    return true;
  } catch {
    return false;
  }
}

const card = signCard(core, new Uint8Array(32), signingKey(1));
const id = fc.nat(1e6).map((n) => makeSnapshotId(Date.UTC(2026, 0, 1) + n * 1000, Buffer.alloc(8, n)));
const range = fc.tuple(fc.nat(99_999), fc.nat(99_999));
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    ...["", "a".repeat(255), "a".repeat(256), "2026", "packs-0001.json", "ab".repeat(32), "AB".repeat(32)],
    ...["20260230T000000Z-0000000000000001", "groups", "sm4-gcm", "committed", "abandoned", "A".repeat(43)],
    ...[0, 1, -1, 2, 1.5, 99_999, 100_000, 2 ** 53 - 1, 2 ** 53, Number.NaN, true, false, null, undefined],
    ...[
      [],
      {},
      [[]],
      [[0, 0]],
      [[1, 0]],
      [
        [0, 1],
        [2, 3],
      ],
      [
        [0, 1],
        [3, 3],
      ],
      [[0, 1, 2]],
      ["x"],
      { a: 1 },
      { "": 1 },
      { a: -1 },
    ],
  ),
  id,
  fc.array(range, { maxLength: 4 }),
  fc.array(fc.record({ snapshot: id, ranges: fc.array(range, { maxLength: 3 }) }), { maxLength: 4 }),
  fc.array(fc.string(), { maxLength: 70 }),
);

/** All places in a value, as paths. */
function* pathsOf(value: unknown, at: readonly string[] = []): Generator<readonly string[]> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield [...at, key];
    yield* pathsOf(inner, [...at, key]);
  }
}

const paths = [...pathsOf(card)];

/** One thing about a card changed: a member replaced, taken away, or added. */
function changed(path: readonly string[], how: number, value: unknown): unknown {
  const copy = structuredClone(card) as unknown;
  let parent = copy as Record<string, unknown>;
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<string, unknown>;
  const key = path.at(-1) ?? "";
  if (how === 1) delete parent[key];
  else if (how === 2) parent[`${key}s`] = value;
  else parent[key] = value;
  // What is not JSON never gets here.
  return JSON.parse(JSON.stringify(copy));
}

describe("the quick look at a card", () => {
  it("says yes to what the schema takes, and to nothing else", () => {
    expect(isQuicklyCard(card)).toBe(true);
    let good = 0;
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.nat(2), odd, (path, how, value) => {
        const other = changed(path, how, value);
        const bySchema = isCardBySchema(other);
        if (bySchema) good += 1;
        expect([path, other, isQuicklyCard(other)]).toEqual([path, other, bySchema]);
      }),
      { numRuns: 5000 },
    );
    expect(good).toBeGreaterThan(100);
  });

  it("of one with every origin, range and list that may be, and one more", () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, n) => ({
        snapshot: makeSnapshotId(Date.UTC(2026, 0, 1) + n * 1000, Buffer.alloc(8, n)),
        ranges: [[n, 99_999] as const],
      }));
    for (const [origins, fits] of [
      [many(256), true],
      [many(257), false],
      [[...many(2), ...many(1)], false],
    ] as const) {
      const other = { ...card, core: { ...core, origins } };
      expect([isQuicklyCard(other), isCardBySchema(other)]).toEqual([fits, fits]);
    }
  });

  it("leaves the words about what is wrong to the schema", () => {
    const bytes = canonicalBytes({ ...card, core: { ...core, seq: 0 } });
    expect(() => parseCard(bytes)).toThrow(/field core\.seq/);
    expect(parseCard(encodeCard(card))).toEqual(card);
  });
});
