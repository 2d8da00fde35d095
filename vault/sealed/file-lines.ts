import { parseCanonical } from "../card/index.ts";
import type { SnapshotId } from "../names/index.ts";
import { xattrsFromJson } from "./entry.ts";
import type { Codec, EntryPiece, ManifestEntry } from "./types.ts";

const text = (of: string) => Buffer.from(of, "latin1");

const BEGIN = text("{");
const FROM = text('"from":');
const GID = text('"gid":');
const MODE = text(',"mode":');
const MTIME = text(',"mtime":[');
const COMMA = text(",");
const PATH = text('],"path":"');
const PIECES = text('","pieces":[');
const PIECE = text("[");
const ID = text(',"');
const PIECE_END = text('"]');
const SECRET = text('],"secret":true,"size":');
const SIZE = text('],"size":');
const UID = text(',"type":"file","uid":');
const XATTRS = text(',"xattrs":');
const END = text("}");

const ZERO = 0x30;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const CLOSE = 0x5d;
/** So many decimal digits are a safe integer, whichever they are. */
const MAX_DIGITS = 15;
const ID_BYTES = 32;
/** As base64url; of the last character's six bits, two are left over. */
const ID_TEXT = 43;

/** Values of base64url's characters (RFC 4648 section 5); 64 for every other byte. */
const SIX_BITS = new Uint8Array(256).fill(64);
for (const [value, byte] of text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_").entries())
  SIX_BITS[byte] = value;

/** Paths and ids lie in memory of so many bytes together: that costs less than memory for each, and is as little as Node's own pool. */
const SLAB = 8192;

/**
 * Reads lines of files as `entryToLine` writes them: member by member, without the objects that JSON takes on its way to
 * an entry. There may be millions of them, and nearly all are of a form that needs no more.
 */
export class FileLines {
  readonly #bytes: Uint8Array;
  readonly #origins: readonly SnapshotId[];
  #slab = new Uint8Array(0);
  #used = 0;
  #at = 0;

  /** @param bytes A segment. @param origins Those that its first line names. */
  constructor(bytes: Uint8Array, origins: readonly SnapshotId[]) {
    this.#bytes = bytes;
    this.#origins = origins;
  }

  /**
   * The file of which the line from `start` to `end` tells, its fields not yet checked against the rules of an entry. It is
   * canonical JSON then: nothing else has this form. Null for everything else, be it an entry or damage: names that are not
   * plain ASCII, times before 1970, what is no file.
   * @throws ColdkeepError `integrity` for attributes that are none.
   */
  read(start: number, end: number): ManifestEntry | null {
    this.#at = start;
    if (!this.#passes(BEGIN)) return null;
    const from = this.#passes(FROM) ? this.#number() : 0;
    if (from !== 0 && !this.#passes(COMMA)) return null;
    if (!this.#passes(GID)) return null;
    const gid = this.#number();
    if (!this.#passes(MODE)) return null;
    const mode = this.#number();
    if (!this.#passes(MTIME)) return null;
    const seconds = this.#number();
    if (!this.#passes(COMMA)) return null;
    const nanoseconds = this.#number();
    if (!this.#passes(PATH)) return null;
    const path = this.#plainText();
    if (path === null || !this.#passes(PIECES)) return null;
    const pieces = this.#pieces();
    if (pieces === null) return null;
    const secret = this.#passes(SECRET);
    if (!secret && !this.#passes(SIZE)) return null;
    const size = this.#number();
    if (!this.#passes(UID)) return null;
    const uid = this.#number();
    // A number that is none is -1.
    if (from < 0 || gid < 0 || mode < 0 || seconds < 0 || nanoseconds < 0 || size < 0 || uid < 0) return null;
    const entry: ManifestEntry = {
      path,
      type: "file",
      mode,
      uid,
      gid,
      mtime: { seconds, nanoseconds },
      size,
      pieces,
    };
    const bare = this.#passes(END);
    if (bare && this.#at === end && from === 0 && !secret) return entry;
    const xattrs = bare ? undefined : this.#xattrs(end);
    if (this.#at !== end || (!bare && xattrs === undefined)) return null;
    return {
      ...entry,
      ...(from === 0 ? {} : { from }),
      ...(xattrs === undefined ? {} : { xattrs }),
      ...(secret ? { secret } : {}),
    };
  }

  /** Whether these bytes come next; where they do, they are passed by. */
  #passes(expected: Uint8Array): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    for (let i = 0; i < expected.length; i += 1) if (bytes[at + i] !== expected[i]) return false;
    this.#at = at + expected.length;
    return true;
  }

  /** Never negative; -1 where there is none in its one canonical form. */
  #number(): number {
    const bytes = this.#bytes;
    const first = this.#at;
    let at = first;
    let value = 0;
    for (;;) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = 10 * value + digit;
      at += 1;
    }
    const digits = at - first;
    if (digits === 0 || digits > MAX_DIGITS || (digits > 1 && bytes[first] === ZERO)) return -1;
    this.#at = at;
    return value;
  }

  /** Up to the quote that ends it, which is not passed by. Null for what JSON escapes, and for anything but ASCII. */
  #plainText(): Uint8Array | null {
    const bytes = this.#bytes;
    const first = this.#at;
    let at = first;
    for (;;) {
      const byte = bytes[at] ?? 0;
      if (byte === QUOTE) break;
      if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return null;
      at += 1;
    }
    this.#at = at;
    const copy = this.#memory(at - first);
    for (let i = 0; i < copy.length; i += 1) copy[i] = bytes[first + i] ?? 0;
    return copy;
  }

  #pieces(): EntryPiece[] | null {
    const pieces: EntryPiece[] = [];
    if (this.#bytes[this.#at] === CLOSE) return pieces;
    do {
      const piece = this.#passes(PIECE) ? this.#chunk() : this.#hole();
      if (piece === null) return null;
      pieces.push(piece);
    } while (this.#passes(COMMA));
    return pieces;
  }

  #hole(): EntryPiece | null {
    const hole = this.#number();
    return hole < 0 ? null : { hole };
  }

  #chunk(): EntryPiece | null {
    const origin = this.#origins[this.#number()];
    const pack = this.#next();
    const frame = this.#next();
    const offset = this.#next();
    const stored = this.#next();
    const plain = this.#next();
    const codec = this.#next();
    if (origin === undefined || pack < 0 || frame < 0 || offset < 0 || stored < 0 || plain < 0 || codec < 0)
      return null;
    const id = this.#passes(ID) ? this.#id() : null;
    if (id === null || !this.#passes(PIECE_END)) return null;
    // What checks an entry refuses a codec that is none.
    return { origin, pack, frame, offset, stored, plain, codec: codec as Codec, id };
  }

  /** The next number of a list. */
  #next(): number {
    return this.#passes(COMMA) ? this.#number() : -1;
  }

  #id(): Uint8Array | null {
    const bytes = this.#bytes;
    const first = this.#at;
    const id = this.#memory(ID_BYTES);
    let bits = 0;
    let kept = 0;
    let filled = 0;
    for (let i = 0; i < ID_TEXT; i += 1) {
      const six = SIX_BITS[bytes[first + i] ?? 0] ?? 64;
      if (six === 64) return null;
      bits = ((bits << 6) | six) & 0xfff;
      kept += 6;
      if (kept < 8) continue;
      kept -= 8;
      id[filled] = bits >> kept;
      filled += 1;
    }
    this.#at = first + ID_TEXT;
    // Bits left over that are set would be a second spelling.
    return (bits & 3) === 0 ? id : null;
  }

  #xattrs(end: number): ManifestEntry["xattrs"] {
    if (!this.#passes(XATTRS)) return undefined;
    const last = end - END.length;
    const xattrs = xattrsFromJson(parseCanonical(this.#bytes.subarray(this.#at, last), "the attributes of an entry"));
    this.#at = last;
    this.#passes(END);
    return xattrs;
  }

  #memory(length: number): Uint8Array {
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(SLAB, length));
      this.#used = 0;
    }
    const { buffer } = this.#slab;
    const memory = new Uint8Array(buffer, this.#used, length);
    this.#used += length;
    return memory;
  }
}
