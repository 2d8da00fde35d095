/**
 * A number of an answer: `field` is a path of keys and indexes into JSON, such as `block_height` or `0.height`; without
 * it the answer itself is the number. Decimal digits and 0x-hex in strings count as numbers.
 * @returns null where there is no whole number from 0 to 2^53-1 at that place.
 */
export function numberIn(text: string, field: string | undefined): number | null {
  if (field === undefined) return toCount(text.trim());
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  for (const key of field.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return null;
    value = (value as Record<string, unknown>)[key];
  }
  return toCount(value);
}

function toCount(value: unknown): number | null {
  const isDigits =
    typeof value === "string" && /^(?:\d{1,16}|0x[0-9a-f]{1,14})$/i.test(value.replace(/^"(.*)"$/, "$1"));
  const number = isDigits ? Number(value.replace(/^"(.*)"$/, "$1")) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : null;
}
