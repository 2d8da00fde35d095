/** A count from 0 up. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^(0|[1-9]\d*)$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new SyntaxError("a whole number from 0 up is expected, such as 1200");
}

/** A count from 1 up. */
export function positiveNumber(text: string): number {
  if (text !== "0") return wholeNumber(text);
  throw new SyntaxError("a whole number from 1 up is expected, such as 10");
}

const TIME = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:\d{2})?)?$/;

/**
 * A moment, in milliseconds since the epoch: `2026-01-15`, `2026-01-15 00:00[:00]`, each in UTC, or ISO 8601 with a zone,
 * `2026-01-15T09:00:00+09:00`. Days that no calendar has are refused.
 */
export function moment(text: string): number {
  const match = TIME.exec(text);
  if (match !== null) {
    const [, year, month, day, hour = "00", minute = "00", second = "00", zone = "Z"] = match;
    const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
    const found = Date.parse(`${local}${zone}`);
    // Date.parse turns 31 February into 3 March; read back it is another day.
    const back = Date.parse(`${local}Z`);
    if (!Number.isNaN(found) && !Number.isNaN(back) && new Date(back).toISOString().startsWith(local)) return found;
  }
  throw new SyntaxError(
    'a time is expected: "2026-01-15 00:00" (UTC), or with a zone, 2026-01-15T09:00:00+09:00 or 2026-01-15T00:00:00Z',
  );
}

/** `name=/absolute/path`. */
export function namedRoot(text: string): { readonly name: string; readonly path: string } {
  const at = text.indexOf("=");
  const name = text.slice(0, at);
  const path = text.slice(at + 1);
  if (at > 0 && /^[a-z0-9_-]{1,64}$/.test(name) && path.startsWith("/")) return { name, path };
  throw new SyntaxError("a name of a-z 0-9 _ -, = and an absolute path are expected, such as data=/srv/node/data");
}

/** `1200`, or `mychannel=19` for one channel of several. */
export function heightOfChannel(text: string): { readonly channel?: string; readonly height: number } {
  const at = text.lastIndexOf("=");
  const height = wholeNumber(text.slice(at + 1));
  return at < 0 ? { height } : { channel: text.slice(0, at), height };
}

/** `100-200`, or `chain1=100-200` for one chain of several; a single height stands for itself. */
export function blockRange(text: string): { readonly chain?: string; readonly first: number; readonly last: number } {
  const at = text.lastIndexOf("=");
  const [first, last, ...more] = text
    .slice(at + 1)
    .split("-")
    .map(wholeNumber);
  if (first === undefined || more.length > 0 || (last ?? first) < first) {
    throw new SyntaxError("heights are expected, such as 100-200, the lower one first");
  }
  return { ...(at < 0 ? {} : { chain: text.slice(0, at) }), first, last: last ?? first };
}

export function tagName(text: string): string {
  if (/^[A-Za-z0-9._:-]{1,64}$/.test(text)) return text;
  throw new SyntaxError("letters, digits and . _ : - are allowed, up to 64");
}

const SIZES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Bytes: `500GB`, `1.5TB`, `16MiB`. */
export function size(text: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,9}(?:\.\d{1,3})?) ?([kMGT]?i?B)$/.exec(text) ?? [];
  const factor = SIZES[unit];
  if (factor !== undefined && Number(digits) > 0) return Math.round(Number(digits) * factor);
  throw new SyntaxError("a size with its unit is expected: kB, MB, GB, TB, MiB, GiB or TiB, such as 500GB");
}

/** An IPv4 address, each number without leading zeros, which some read as octal. */
export function ipv4(text: string): string {
  if (/^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text)) return text;
  throw new SyntaxError("an IPv4 address is expected, such as 203.0.113.7");
}
