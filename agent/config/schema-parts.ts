import * as z from "zod";

/** Separates the known keys in the message of an unknown one. */
export const KEY_SEPARATOR = ", ";

/** A text of the given form; `allowed` says in the message what would do. */
export function text(allowed: string, form: RegExp, description: string) {
  return z.string({ error: allowed }).regex(form, { error: allowed }).meta({ description });
}

/** A mapping with these keys and no others. */
export function object<Shape extends z.core.$ZodLooseShape>(shape: Shape, description: string) {
  const known = Object.keys(shape).join(KEY_SEPARATOR);
  return z
    .strictObject(shape, { error: ({ code }) => (code === "unrecognized_keys" ? known : `a mapping with ${known}`) })
    .meta({ description });
}

const ABSOLUTE = /^\/(?!\/)[^\0]*[^/\0]$/;

export function absolute(description: string) {
  const allowed = "an absolute path without . or .. in it, such as /srv/node/data";
  return text(allowed, ABSOLUTE, description).refine((path) => !/(^|\/)\.{1,2}(\/|$)|\/\//.test(path), {
    error: allowed,
  });
}
