import { hash, randomBytes, timingSafeEqual } from "node:crypto";

/** What of a request tells who asks. */
export interface Visitor {
  readonly host: string | undefined;
  readonly cookie: string | undefined;
  /** `Sec-Fetch-Site`, which a browser sends and no page can change (W3C Fetch Metadata). */
  readonly site: string | undefined;
}

/** What became of a link that was followed. */
export interface Admission {
  readonly cookie: string;
}

/** Who may come in: whoever has a link that was told once, from then on by a cookie. */
export interface Door {
  /** What all paths begin with: `/<22 letters>/`. */
  readonly place: string;
  /** The path of the one link that is good now. */
  link(): string;
  /** Null where this is no request to this machine by its own name, or one that another site's page makes. */
  isHere(visitor: Visitor): boolean;
  /** Takes the link, which is then used up; null where it is not the one that is good now. */
  enter(path: string): Admission | null;
  knows(visitor: Visitor): boolean;
}

/** Browsers let in at once; the first of them is forgotten for one more. */
const MOST = 8;
const NAME = "coldkeep";

/**
 * The place is not guessable, and the cookie is only for what is below it: cookies do not know ports, so without that every
 * other server of this machine that a browser visits, also another user's, would be sent ours.
 */
export function makeDoor(): Door {
  const place = `/${randomBytes(16).toString("base64url")}/`;
  const known: Buffer[] = [];
  let link = newSecret();
  return {
    place,
    link: () => `${place}enter/${link.text}`,
    isHere: ({ host, site }) =>
      isThisMachine(host) && (site === undefined || site === "none" || site === "same-origin"),
    enter: (path) => {
      const [, given] = /^\/[\w-]{22}\/enter\/([\w-]{43})$/.exec(path) ?? [];
      if (given === undefined || !timingSafeEqual(digestOf(given), link.digest)) return null;
      link = newSecret();
      const { text, digest } = newSecret();
      if (known.length >= MOST) known.shift();
      known.push(digest);
      return { cookie: `${NAME}=${text}; Path=${place}; HttpOnly; SameSite=Strict` };
    },
    knows: ({ cookie }) => {
      const given = digestOf(cookieIn(cookie));
      // All are compared, whichever it is.
      return known.reduce((found, digest) => timingSafeEqual(given, digest) || found, false);
    },
  };
}

interface Secret {
  readonly text: string;
  readonly digest: Buffer;
}

function newSecret(): Secret {
  const text = randomBytes(32).toString("base64url");
  return { text, digest: digestOf(text) };
}

/** Of one length whatever was given, so that they can be compared in constant time. */
function digestOf(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

function cookieIn(header: string | undefined): string {
  for (const part of (header ?? "").split(";")) {
    const at = part.indexOf("=");
    if (at >= 0 && part.slice(0, at).trim() === NAME) return part.slice(at + 1).trim();
  }
  return "";
}

/**
 * Whether a Host header names this machine by an address of its own. A name that somebody's DNS leads here ("rebinding") does
 * not pass. The port may be another: that of an ssh tunnel's other end.
 */
function isThisMachine(host: string | undefined): boolean {
  const [, name, octets] = /^(localhost|\[::1\]|127((?:\.\d{1,3}){3}))(?::\d{1,5})?$/i.exec(host ?? "") ?? [];
  if (name === undefined) return false;
  return octets === undefined || octets.split(".").every((octet) => Number(octet) <= 255);
}
