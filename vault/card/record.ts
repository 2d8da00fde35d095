import type { z } from "zod";
import { ColdkeepError, FORMAT } from "../names/index.ts";
import { canonicalBytes, parseCanonical } from "./jcs.ts";

/** What the reader asked for; a record of anything else is refused though it is well formed. */
export interface Expected {
  readonly vault?: string;
  readonly node?: string;
  readonly snapshot?: string;
  /** Of what is said again and again: the number in its name. */
  readonly round?: number;
}

/**
 * Reads one stored JSON object.
 * @param on The object's name, for messages.
 * @param isQuickly A check that is true only where the schema agrees; asked before it.
 * @throws ColdkeepError `integrity` where the bytes are not canonical or a field is missing, unknown or out of bounds;
 * `refused` where a newer coldkeep wrote it: such an object is not broken, only not for us.
 */
export function readRecord<T>(
  schema: z.ZodType<T>,
  bytes: Uint8Array,
  on: string,
  isQuickly?: (value: unknown) => boolean,
): T {
  const value = parseCanonical(bytes, on);
  if (isQuickly?.(value)) return value as T;
  assertFormat(value, on);
  return checkRecord(schema, value, on, bytes.length);
}

/** The same, of what is about a vault, a node or a snapshot. @throws also as `assertExpected`. */
export function readExpected<T extends Expected>(
  schema: z.ZodType<T>,
  bytes: Uint8Array,
  expected: Expected | undefined,
  on: string,
): T {
  const found = readRecord(schema, bytes, on);
  assertExpected(found, expected, on);
  return found;
}

/**
 * Checks a value that was already parsed. @throws ColdkeepError `integrity` naming the first field that is wrong.
 * @param size bytes of its text, where they are known
 */
export function checkRecord<T>(schema: z.ZodType<T>, value: unknown, on: string, size = 0): T {
  const result = schema.safeParse(value, { jitless: !paysToCompile(schema, size) });
  if (result.success) return result.data;
  const issue = deepest(result.error.issues[0]);
  throw new ColdkeepError("integrity", {
    what: "cannot read",
    on,
    why: `${issue.path === "" ? "the object" : `field ${issue.path}`}: ${issue.message}`,
  });
}

/** Bytes of a text, and checks by one schema, from which on what zod compiles for the schema gives back its millisecond. */
const LARGE = 128 * 1024;
const MANY = 100;
const checks = new WeakMap<z.ZodType, number>();

function paysToCompile(schema: z.ZodType, size: number): boolean {
  const before = checks.get(schema) ?? 0;
  checks.set(schema, before + 1);
  return size >= LARGE || before >= MANY;
}

/** The canonical bytes of a record that satisfies its schema. @throws ColdkeepError `integrity` as the reader would. */
export function writeRecord<T>(schema: z.ZodType<T>, value: T, on: string): Uint8Array {
  checkRecord(schema, value, on);
  return canonicalBytes(value);
}

/** @throws ColdkeepError `integrity` where the record belongs to another vault, node, snapshot or round than asked for. */
export function assertExpected(found: Expected, expected: Expected | undefined, on: string): void {
  for (const field of ["vault", "node", "snapshot", "round"] as const) {
    const wanted = expected?.[field];
    if (wanted === undefined || found[field] === wanted) continue;
    throw new ColdkeepError("integrity", {
      what: `belongs to another ${field}`,
      on,
      why: `found ${found[field] ?? "none"}, expected ${wanted}`,
    });
  }
}

function assertFormat(value: unknown, on: string): void {
  const found = member(value, "format") ?? member(member(value, "core"), "format");
  if (typeof found !== "number" || found <= FORMAT) return;
  throw new ColdkeepError("refused", {
    what: "written by a newer coldkeep",
    on,
    why: `it has format ${found}, this version reads up to ${FORMAT}`,
    todo: "Update coldkeep",
  });
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

/** The schema library's words without what only its users know: "Invalid input: expected array, received undefined". */
function wordsOf({ message }: z.core.$ZodIssue): string {
  if (message.endsWith(", received undefined")) return "is missing";
  return message.replace(/^Invalid input: /, "");
}

function deepest(issue: z.core.$ZodIssue | undefined): { path: string; message: string } {
  if (issue === undefined) return { path: "", message: "not as the format describes it" };
  // Of a union's branches the one that came furthest says most.
  if (issue.code === "invalid_union") {
    const inner = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0];
    if (inner !== undefined) {
      const below = deepest(inner);
      return { path: [...issue.path, below.path].filter((part) => part !== "").join("."), message: below.message };
    }
  }
  return { path: issue.path.join("."), message: wordsOf(issue) };
}
