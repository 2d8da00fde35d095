import * as z from "zod";
import { DURATION_FORM, parseDuration } from "../../vault/retain/index.ts";

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

const timeSpan = z
  .string({ error: DURATION_FORM })
  .refine((value) => (parseDuration(value) ?? 0) > 0, { error: `${DURATION_FORM}, above 0` });
const TIME_SPAN = "^[1-9][0-9]*(ms|s|m|h|d)$";

export function duration(otherwise: string, description: string) {
  return timeSpan.default(otherwise).meta({ description, pattern: TIME_SPAN });
}

/** One that may be absent, for which what stands in is not the configuration's to say. */
export function optionalDuration(description: string) {
  return timeSpan.optional().meta({ description, pattern: TIME_SPAN });
}

export function oneOf<const Values extends readonly [string, ...string[]]>(values: Values, description: string) {
  return z.enum(values, { error: values.join(" or ") }).meta({ description });
}

const COMMAND = "a command: a text for /bin/sh, or a list of words to run without a shell";

export function command(description: string) {
  const word = z.string({ error: COMMAND }).min(1, { error: COMMAND });
  return z.union([word, z.array(word).min(1, { error: COMMAND })], { error: COMMAND }).meta({ description });
}

export function url(description: string) {
  const allowed = "a URL beginning with http:// or https://";
  return z.url({ protocol: /^https?$/, error: allowed }).meta({ description });
}
