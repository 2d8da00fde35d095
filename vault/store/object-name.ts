import { ColdkeepError } from "../names/index.ts";

const PART = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/;
/** S3's limit on keys, so that no store takes a name another would refuse. */
const MAX_BYTES = 1024;

/** True for one component of an object's name: ASCII letters, digits, `_`, `-`, `.`, not beginning with a dot. */
export function isNamePart(text: string): boolean {
  return PART.test(text);
}

/**
 * The components of an object's name. Names come from vault/names, so a name that is none is a defect or an attack:
 * empty or hidden components, `..`, NUL, backslashes, a leading or trailing slash.
 * @throws ColdkeepError `internal`, before any I/O.
 */
export function splitName(name: string): readonly string[] {
  const parts = name.split("/");
  if (name.length > MAX_BYTES || !parts.every(isNamePart)) throw illegal("object name", name);
  return parts;
}

/** The folder part of a prefix, and the beginning that names in it must have. @throws ColdkeepError `internal`. */
export function splitPrefix(prefix: string): { readonly folder: readonly string[]; readonly start: string } {
  const folder = prefix.split("/");
  const start = folder.pop() ?? "";
  const legal = folder.every(isNamePart) && (start === "" || isNamePart(start));
  if (prefix.length > MAX_BYTES || !legal) throw illegal("name prefix", prefix);
  return { folder, start };
}

/** An offset or a length. @throws ColdkeepError `internal`, before any I/O. */
export function assertCount(what: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new ColdkeepError("internal", { what: `refused an illegal ${what}`, on: String(value) });
}

function illegal(kind: string, text: string): ColdkeepError {
  return new ColdkeepError("internal", {
    what: `refused an illegal ${kind}`,
    on: JSON.stringify(text.slice(0, 200)),
    why: `parts of 1 to 255 of A-Z a-z 0-9 . _ -, not beginning with a dot, joined by "/", at most ${MAX_BYTES} in all`,
  });
}
