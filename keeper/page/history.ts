import { deflateRawSync } from "node:zlib";
import type { IndexEntry } from "../../vault/card/types.ts";
import { formatHeights, safe } from "../../vault/names/index.ts";

const MINUTE = 60_000;
/** So many of the newest are told in full: of a nightly backup, a week. */
const FULL = 7;
/** Others that somebody may have to look at, told in full as well. */
const MAX_SPECIAL = 24;
const MAX_TEXT = 240;
const STATE = { good: 0, expired: 1, broken: 2, damaged: 3 } as const;
const PROVEN = 4;
const PINNED = 8;

/**
 * The snapshots of a node, packed: base64 of raw DEFLATE of a length, that many bytes of JSON, and columns. A page of a
 * hundred nodes has room for some five letters a snapshot. So the newest, and those with a remark, are told in full; of the
 * others times are of whole minutes, sizes have the three digits that are shown, what varies without a trend has the two that
 * a plot shows, and ids, which are random, are not told: they are found by their time.
 *
 * Every column is a mode and a number of each snapshot, as varints: each number less the one before, or less the median of
 * all, or the former less its median. Whatever is smallest.
 */
export function packHistory(entries: readonly IndexEntry[], tierOf: (entry: IndexEntry) => number): string {
  const out: number[] = [];
  const json = Buffer.from(JSON.stringify(toldInFull(entries)));
  const heights = entries.map(mainHeight);
  const step = stepOf(heights);
  varint(out, json.length);
  out.push(...json);
  varint(out, entries.length);
  varint(out, step);
  for (const numbers of [
    entries.map(({ received }) => Math.floor(received / MINUTE)),
    entries.map(tierOf),
    entries.map(flagsOf),
    entries.map(({ bytes }) => shortOf(bytes.total)),
    entries.map(({ bytes }) => shortOf(bytes.stored, 2)),
    entries.map(({ downtime_ms }) => (downtime_ms === undefined ? 0 : 1 + shortOf(downtime_ms, 2))),
    heights.map((height) => (height === null ? 0 : 1 + Math.floor(height / step))),
  ]) {
    column(out, numbers);
  }
  return deflateRawSync(Uint8Array.from(out), { level: 9 }).toString("base64");
}

type Told = readonly [
  at: number,
  id: string,
  height: string,
  tags: string,
  remarks: string,
  stored: number,
  down: number,
];

function toldInFull(entries: readonly IndexEntry[]): Told[] {
  const told: Told[] = [];
  let special = 0;
  for (const [at, entry] of entries.entries()) {
    const { snapshot, heights, bytes, tags, remarks, state, pinned, downtime_ms = -1 } = entry;
    if (at >= FULL) {
      const isSpecial = remarks.length > 0 || pinned === true || state === "damaged" || state === "broken";
      if (!isSpecial || special === MAX_SPECIAL) continue;
      special += 1;
    }
    const [height, tag, remark] = [formatHeights(heights), tags.join(" "), remarks.join("; ")].map(cut) as [
      string,
      string,
      string,
    ];
    told.push([at, snapshot, height, tag, remark, Number(bytes.stored.toPrecision(3)), Math.round(downtime_ms)]);
  }
  return told;
}

function cut(text: string): string {
  const shown = safe(text);
  return shown.length <= MAX_TEXT ? shown : `${shown.slice(0, MAX_TEXT)}…`;
}

function flagsOf({ state, proven, pinned }: IndexEntry): number {
  return STATE[state] + (proven === undefined ? 0 : PROVEN) + (pinned === true ? PINNED : 0);
}

/** Of several channels, the first by name that the newest has. */
function mainHeight({ heights = {} }: IndexEntry): number | null {
  const [first] = Object.keys(heights).sort();
  return first === undefined ? null : (heights[first] ?? null);
}

/** Twice the difference of two differences is still an exact number. */
const MAX_NUMBER = 2 ** 50;

/**
 * Heights are plotted, and a plot is not finer than this: some thousandth of how far they reach. Counted in it, none is too
 * large to be packed.
 */
function stepOf(heights: readonly (number | null)[]): number {
  const known = heights.filter((height) => height !== null);
  if (known.length === 0) return 1;
  const highest = known.reduce((most, height) => Math.max(most, height), 0);
  const span = highest - known.reduce((a, b) => Math.min(a, b));
  return 10 ** Math.max(0, Math.ceil(Math.log10((span + 1) / 1000)), Math.ceil(Math.log10((highest + 1) / MAX_NUMBER)));
}

/**
 * A number of which so many digits are kept, by its place among all such numbers: what is more has a later one. The page's
 * script turns it back.
 */
function shortOf(value: number, digits: 2 | 3 = 3): number {
  const least = 10 ** (digits - 1);
  if (value < 10 * least) return Math.max(0, Math.round(value));
  let power = Math.floor(Math.log10(value)) - (digits - 1);
  let first = Math.round(value / 10 ** power);
  if (first >= 10 * least) {
    first = least;
    power += 1;
  }
  return 10 * least + (power - 1) * 9 * least + (first - least);
}

function column(out: number[], numbers: readonly number[]): void {
  const [first = 0] = numbers;
  const steps = numbers.slice(1).map((number, at) => number - (numbers[at] ?? 0));
  const [middle, stride] = [medianOf(numbers), medianOf(steps)];
  const forms = [
    [0, first, 0, steps],
    [1, middle, 0, numbers.map((number) => number - middle)],
    [2, first, stride, steps.map((step) => step - stride)],
  ] as const;
  const cost = (rest: readonly number[]) => rest.reduce((sum, number) => sum + Math.log2(1 + Math.abs(number)), 0);
  const costs = forms.map(([, , , rest]) => cost(rest));
  const [mode, base, step, rest] = forms[costs.indexOf(Math.min(...costs))] ?? forms[0];
  varint(out, mode);
  signed(out, base);
  signed(out, step);
  for (const number of rest) signed(out, number);
}

function medianOf(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

function signed(out: number[], value: number): void {
  varint(out, value < 0 ? -2 * value - 1 : 2 * value);
}

/** Base 128, the low digits first. By division: numbers may be longer than 32 bits. */
function varint(out: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
}
