import { canonical } from "../../../vault/card/index.ts";
import type { Dice } from "./random.ts";

/** Changes of what was valid: what a parser sees is nearly right, so that it comes far. */

const BYTES = [0, 1, 0x0a, 0x1a, 0x20, 0x22, 0x2d, 0x2e, 0x2f, 0x5c, 0x7f, 0x80, 0xc0, 0xed, 0xff];
const NUMBERS32 = [0, 1, 15, 16, 17, 0x7f, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

export function mutateBytes(dice: Dice, from: Uint8Array): Uint8Array {
  let bytes = Uint8Array.from(from);
  for (let left = 1 + dice.below(4); left > 0; left -= 1) bytes = changeBytes(dice, bytes);
  return bytes;
}

function changeBytes(dice: Dice, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const at = placeIn(dice, bytes.length);
  const copy = Uint8Array.from(bytes);
  switch (dice.below(9)) {
    case 0:
      if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << dice.below(8));
      return copy;
    case 1:
      if (copy.length > 0) copy[at] = dice.pick(BYTES);
      return copy;
    case 2: {
      if (copy.length < 4) return copy;
      new DataView(copy.buffer).setUint32(Math.min(at, copy.length - 4), dice.pick(NUMBERS32));
      return copy;
    }
    case 3:
      return copy.subarray(0, at).slice();
    case 4: {
      const length = 1 + dice.below(Math.min(64, bytes.length));
      return join(bytes.subarray(0, at), bytes.subarray(at + length));
    }
    case 5: {
      const more = Uint8Array.from({ length: 1 + dice.below(32) }, () => dice.pick(BYTES));
      return join(bytes.subarray(0, at), more, bytes.subarray(at));
    }
    case 6: {
      const part = bytes.subarray(at, at + 1 + dice.below(256));
      return join(bytes.subarray(0, at), part, bytes.subarray(at));
    }
    case 7: {
      const other = placeIn(dice, bytes.length);
      copy.copyWithin(at, other, other + 1 + dice.below(64));
      return copy;
    }
    default:
      for (let i = at; i < Math.min(copy.length, at + 1 + dice.below(16)); i += 1) copy[i] = dice.below(256);
      return copy;
  }
}

/** Often near the beginning or the end, where headers and trailers are. */
function placeIn(dice: Dice, length: number): number {
  if (length === 0) return 0;
  const near = Math.min(length, 128);
  if (dice.once(3)) return dice.below(near);
  if (dice.once(3)) return length - 1 - dice.below(near);
  return dice.below(length);
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(parts));
}

const TEXTS = [
  "",
  " ",
  ".",
  "..",
  "../../etc/passwd",
  "/etc/passwd",
  "a/../../b",
  "x\u0000y",
  "\u202egpj.exe",
  "\u001b[2J",
  "__proto__",
  "constructor",
  "20260115T000000Z-bh1200-0123456789abcdef",
  "20260230T000000Z-0123456789abcdef",
  "A".repeat(22),
  "A".repeat(43),
  "A".repeat(86),
  "z".repeat(300),
  "z".repeat(70_000),
  "0".repeat(64),
  "f".repeat(64),
  "\ud800",
  "%2e%2e%2f",
];
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  0.5,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  1e308,
  [],
  {},
  [[[[[[]]]]]],
  { __proto__x: 1 },
  ...TEXTS,
];

type Tree = unknown;

/** A JSON value with one to three of its parts changed, in its canonical spelling where it has one. */
export function mutateJson(dice: Dice, from: Tree): Uint8Array {
  let value: Tree = structuredClone(from);
  for (let left = 1 + dice.below(3); left > 0; left -= 1) value = changeTree(dice, value, 0);
  let text: string;
  try {
    text = canonical(value);
  } catch {
    text = JSON.stringify(value) ?? "";
  }
  const bytes = new Uint8Array(Buffer.from(text));
  return dice.once(8) ? mutateBytes(dice, bytes) : bytes;
}

function changeTree(dice: Dice, value: Tree, depth: number): Tree {
  const parts = typeof value === "object" && value !== null ? Object.keys(value) : [];
  // Deeper more often than not: the top of a record is a handful of members, and all its rules lie below.
  if (parts.length > 0 && !dice.once(depth === 0 ? 12 : 4)) {
    const key = dice.pick(parts);
    const holder = value as Record<string, Tree>;
    switch (dice.below(10)) {
      case 0:
        if (Array.isArray(value)) value.splice(Number(key), 1);
        else delete holder[key];
        return value;
      case 1:
        if (Array.isArray(value)) value.splice(Number(key), 0, structuredClone(value[Number(key)]));
        else holder[dice.pick(TEXTS)] = structuredClone(holder[key]);
        return value;
      case 2: {
        const other = dice.pick(parts);
        [holder[key], holder[other]] = [holder[other], holder[key]];
        return value;
      }
      case 3:
        if (Array.isArray(value) && value.length < 5000) value.push(...structuredClone(value));
        return value;
      default:
        holder[key] = changeTree(dice, holder[key], depth + 1);
        return value;
    }
  }
  if (typeof value === "number" && !dice.once(3)) return value + dice.pick([-1, 1, 256, 65_536, -65_536, 2 ** 32]);
  if (typeof value === "string" && value.length > 0 && !dice.once(3)) {
    const at = dice.below(value.length);
    const other = dice.pick(["A", "0", "-", ".", "/", "_", "=", " ", "\n", "\u0000", "é"]);
    return dice.once(3) ? value.slice(0, at) : value.slice(0, at) + other + value.slice(at + 1);
  }
  if (dice.once(40)) return deep(30 + dice.below(2000));
  return structuredClone(dice.pick(VALUES));
}

function deep(levels: number): Tree {
  let value: Tree = 1;
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** A text of lines with some of them changed, moved or spliced with words that mean something to its reader. */
export function mutateText(dice: Dice, from: string, words: readonly string[]): string {
  let lines = from.split("\n");
  for (let left = 1 + dice.below(4); left > 0; left -= 1) lines = changeLines(dice, lines, words);
  return lines.join("\n");
}

function changeLines(dice: Dice, lines: readonly string[], words: readonly string[]): string[] {
  const copy = [...lines];
  const at = dice.below(copy.length);
  const line = copy[at] ?? "";
  const column = dice.below(line.length + 1);
  switch (dice.below(9)) {
    case 0:
      copy.splice(at, 1);
      break;
    case 1:
      copy.splice(dice.below(copy.length), 0, line);
      break;
    case 2:
      copy[at] = line.slice(0, column) + dice.pick(words) + line.slice(column);
      break;
    case 3:
      copy[at] = line.slice(0, column);
      break;
    case 4:
      copy[at] = " ".repeat(dice.below(8)) + line.trimStart();
      break;
    case 5:
      copy[at] = line.replace(/[^:\s]+$/, () => dice.pick(words));
      break;
    case 6:
      copy[at] = line.replace(/\S+/, () => dice.pick(words));
      break;
    case 7:
      copy.splice(at, 0, dice.pick(words));
      break;
    default: {
      const other = dice.below(copy.length);
      [copy[at], copy[other]] = [copy[other] ?? "", line];
    }
  }
  return copy;
}
