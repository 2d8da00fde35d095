import { ColdkeepError, messageOf } from "../names/index.ts";

/**
 * JSON as the vault stores it: RFC 8785 (JSON Canonicalization Scheme), restricted to strings, booleans, integers from
 * -(2^53-1) to 2^53-1, arrays and objects. No null, no fractions. Every JSON object of a vault is its canonical bytes
 * and nothing else, so equal content has equal bytes, and duplicate keys or odd spellings cannot hide anything.
 */

/** Names of members: enough for field names, writers (base64url) and channel names. `__proto__` is none. */
const KEY = /^[A-Za-z0-9_.-]{0,255}$/;
/** Arrays and objects within each other; the format itself needs 6. */
const MAX_DEPTH = 24;

/**
 * The canonical text of a value.
 * @throws TypeError where the value has no canonical form here: a fraction, null, undefined, a lone surrogate, a key
 * outside the alphabet.
 */
export function canonical(value: unknown): string {
  return write(value, 0);
}

/** UTF-8 bytes of the canonical text. @throws TypeError as `canonical`. */
export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonical(value));
}

/**
 * The value of canonical bytes.
 * @param on The object's name, for the message.
 * @throws ColdkeepError `integrity` where the bytes are not UTF-8, not JSON, or not in their canonical form.
 */
export function parseCanonical(bytes: Uint8Array, on: string): unknown {
  const text = decode(bytes, on);
  const value = parse(text, on);
  if (isQuicklyCanonical(value, text)) return value;
  let again: string;
  try {
    again = canonical(value);
  } catch (cause) {
    throw refuse(on, messageOf(cause), cause);
  }
  if (again !== text) throw refuse(on, `not in canonical form (RFC 8785) at character ${firstDifference(again, text)}`);
  return value;
}

/**
 * Whether a text is the canonical form of its value, told without writing that form: where the runtime writes the same
 * text again it has no other spellings, spaces or repeated members, and the rest is seen from the value. True only where
 * `canonical` agrees; of names that look like numbers, whose order the runtime does not keep, it knows nothing.
 */
function isQuicklyCanonical(value: unknown, text: string): boolean {
  return isWritable(value, 0) && JSON.stringify(value) === text;
}

/** Whether `canonical` would write a value with its members in the order they have. */
function isWritable(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
      return value.isWellFormed();
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0);
    case "boolean":
      return true;
  }
  if (typeof value !== "object" || value === null || depth >= MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isWritable(item, depth + 1)) return false;
    return true;
  }
  let before: string | null = null;
  for (const key of Object.keys(value)) {
    if ((before !== null && key <= before) || !isKey(key)) return false;
    if (!isWritable((value as Record<string, unknown>)[key], depth + 1)) return false;
    before = key;
  }
  return true;
}

/** Made once: each line of a long list is decoded by itself. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array, on: string): string {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw refuse(on, "it is no text (UTF-8): overwritten?", cause);
  }
}

function parse(text: string, on: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // V8's message quotes the text, which may come out of a sealed object.
    throw refuse(on, "it is no JSON: cut off, or overwritten?", cause instanceof SyntaxError ? undefined : cause);
  }
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw new TypeError("a text holds half a surrogate pair");
      return JSON.stringify(value);
    case "number":
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
        throw new TypeError(`${Object.is(value, -0) ? "-0" : value} is no integer between -(2^53-1) and 2^53-1`);
      }
      return String(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value !== null) return depth < MAX_DEPTH ? writeComposite(value, depth + 1) : tooDeep();
  }
  throw new TypeError(`${value === null ? "null" : typeof value} has no place in the format`);
}

function writeComposite(value: object, depth: number): string {
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth)).join(",")}]`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError("only plain objects can be written");
  const members = Object.entries(value);
  // RFC 8785 section 3.2.3: by UTF-16 code units, which is how JavaScript compares strings.
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, item]) => `${writeKey(key)}:${write(item, depth)}`).join(",")}}`;
}

function writeKey(key: string): string {
  if (!isKey(key)) throw new TypeError(`${JSON.stringify(key.slice(0, 80))} cannot be a key`);
  return `"${key}"`;
}

function isKey(key: string): boolean {
  return KEY.test(key) && key !== "__proto__";
}

function tooDeep(): never {
  throw new TypeError(`nested more than ${MAX_DEPTH} deep`);
}

function firstDifference(a: string, b: string): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return i;
}

function refuse(on: string, why: string, cause?: unknown): ColdkeepError {
  return new ColdkeepError("integrity", { what: "cannot read", on, why, ...(cause === undefined ? {} : { cause }) });
}
