import { ColdkeepError, fromBase64url, toBase64url } from "../../vault/names/index.ts";

const PREFIX = "ckshare1.";

/** A share token: its ticket, which is sent, and its key, which is sent nowhere. */
export interface ShareToken {
  readonly ticket: string;
  readonly key: Uint8Array;
}

export function writeShareToken({ ticket, key }: ShareToken): string {
  return `${PREFIX}${ticket}.${toBase64url(key)}`;
}

/** @throws ColdkeepError `usage`, without anything of the text. */
export function readShareToken(text: string): ShareToken {
  const at = text.lastIndexOf(".");
  const key = fromBase64url(text.slice(at + 1), 32);
  const ticket = text.slice(PREFIX.length, Math.max(at, PREFIX.length));
  if (text.startsWith(PREFIX) && key !== null && ticket.startsWith("ckt1.")) return { ticket, key };
  throw new ColdkeepError("usage", {
    what: "this is no share token",
    why: "one line that begins with ckshare1. is expected",
    todo: "ask for it again: it may have been cut off on the way",
  });
}
