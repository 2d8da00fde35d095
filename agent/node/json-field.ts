/**
 * A number of an answer: `field` is a path of keys and indexes into JSON, such as `block_height` or `0.height`; without
 * it the answer itself is the number. Decimal digits and 0x-hex in strings count as numbers.
 * @returns null where there is no whole number from 0 to 2^53-1 at that place.
 */
export function numberIn(text: string, field: string | undefined): number | null {
  return toCount(field === undefined ? text.trim() : valueIn(text, field));
}

/** What a JSON answer has at that path, `""` for all of it; undefined where it has nothing there, or is no JSON. */
export function valueIn(text: string, path: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  for (const key of path === "" ? [] : path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function toCount(value: unknown): number | null {
  const isDigits =
    typeof value === "string" && /^(?:\d{1,16}|0x[0-9a-f]{1,14})$/i.test(value.replace(/^"(.*)"$/, "$1"));
  const number = isDigits ? Number(value.replace(/^"(.*)"$/, "$1")) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : null;
}
