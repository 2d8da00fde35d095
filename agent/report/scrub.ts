import { redactTokens } from "../../vault/names/index.ts";

/** Shorter words are too common to be looked for in running text; as a whole value they are replaced all the same. */
const LEAST = 4;
const SNAPSHOT = /\d{8}T\d{6}Z(?:-bh\d+)?-[0-9a-f]{16}/;

/** What may name somebody or open something, whatever a configuration says; in the order in which it is looked for. */
const KINDS: readonly (readonly [what: RegExp, label: string])[] = [
  [/-----BEGIN [A-Z0-9 ]+-----[\s\S]*?(?:-----END [A-Z0-9 ]+-----|$)/g, "<key>"],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'`<>]+/gi, "<url>"],
  [/\barn:[^\s"'`,]+/g, "<arn>"],
  [/\bAGE-SECRET-KEY-1[A-Z0-9]+|\bage1[a-z0-9]+/gi, "<age key>"],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{12,}\b/g, "<aws key>"],
  [/\b(bearer|basic|password|passwd|token|secret|apikey|api-key)(["']?\s*[=: ]\s*["']?)[^\s"',;&]+/gi, "$1$2<secret>"],
  [/[\w.+-]+@[\w-]+\.[\w.-]+/g, "<mail>"],
  [/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, "<address>"],
  [/(?<![\w.<])\/(?!usr\/|bin\/|proc\/|sys\/|dev\/)[\w.@+-]+(?:\/[^\s"'`,;:)]*)?/g, "<path>"],
];
/** Keys, digests and fingerprints look alike; nobody needs them to help. */
const LONG = /[A-Za-z0-9+/_=-]{24,}/g;

/**
 * Takes out of text what names somebody or opens something: what is `known`, each by its label, and what looks like it.
 * Snapshot ids stay.
 */
export function makeScrub(known: ReadonlyMap<string, string>): (text: string) => string {
  const words = [...known].filter(([word]) => word.length >= LEAST).sort(([a], [b]) => b.length - a.length);
  return (text) => {
    const whole = known.get(text);
    if (whole !== undefined) return whole;
    let clean = redactTokens(text);
    for (const [word, label] of words) clean = clean.replaceAll(word, label);
    for (const [what, label] of KINDS) clean = clean.replace(what, label);
    return clean.replace(LONG, (found) => (SNAPSHOT.test(found) ? found : `<${found.length} letters>`));
  };
}

/** The same of a document: of all its texts and names of members. */
export function scrubDocument(value: unknown, scrub: (text: string) => string): unknown {
  if (typeof value === "string") return scrub(value);
  if (Array.isArray(value)) return value.map((one) => scrubDocument(one, scrub));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [scrub(key), scrubDocument(one, scrub)]));
}
