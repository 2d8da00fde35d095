import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { fromBase64url } from "../../vault/names/index.ts";

/** Where objects are read by a URL that was signed for it. */
export const OBJECTS = "/objects/";

export interface UrlSigner {
  /** Relative to the presenter's own address. */
  sign(name: string, expires: number): string;
  /** The object that an address opens now; null where it opens none. */
  open(path: string, query: string, now: number): string | null;
}

/** URLs that end by themselves. The key lives as long as the process: after a restart clients ask for new ones. */
export function urlSigner(): UrlSigner {
  const key = randomBytes(32);
  const macOf = (name: string, expires: number) => createHmac("sha256", key).update(`${expires}\n${name}`).digest();
  return {
    sign: (name, expires) => `${OBJECTS.slice(1)}${name}?e=${expires}&s=${macOf(name, expires).toString("base64url")}`,
    open: (path, query, now) => {
      const [, end = "", text = ""] = /^e=(\d{1,15})&s=([A-Za-z0-9_-]{43})$/.exec(query) ?? [];
      const name = path.slice(OBJECTS.length);
      const given = fromBase64url(text, 32);
      const expires = Number(end);
      if (given === null || !timingSafeEqual(given, macOf(name, expires))) return null;
      return expires > now ? name : null;
    },
  };
}
