import { ColdkeepError } from "../../vault/names/index.ts";

/** Of a header, and what everything is filled up to; bytes. */
const BLOCK = 512;
/** Of one pax header or long name, which are kept in memory; bytes. Linux knows no path longer than 4,096. */
const MOST_EXTENDED = 64 << 10;
/** Symbolic links of one archive, each of which is remembered. */
const MOST_LINKS = 100_000;

const FILE = new Set(["0", "7", "\0"]);
const HARD_LINK = "1";
const SYMBOLIC_LINK = "2";
const FOLDER = "5";
const PAX = "x";
const PAX_FOR_ALL = "g";
const LONG_NAME = "L";
const LONG_TARGET = "K";
/** What a pax header must not say of an entry: it would be read as something else than its header tells. */
const REFUSED = /^(GNU\.|SCHILY\.(realsize|filetype|tarfiletype)$)/;

interface Extension {
  path?: string;
  target?: string;
  size?: number;
}

/**
 * Reads a tar archive along with whoever unpacks it (ustar, POSIX.1-2001 pax, GNU's long names), and lets on nothing that
 * would lie elsewhere, is neither file, folder nor link, or could be understood in two ways. What it lets on of a file is
 * the file's bytes as they come: memory does not grow with it.
 */
export class TarGuard {
  readonly #on: string;
  readonly #admit: (path: string) => void;
  readonly #links = new Set<string>();
  #held: Buffer = Buffer.alloc(0);
  /** Bytes still to come of what the last header told of, with what fills them up. */
  #left = 0;
  #extends: { readonly type: string; readonly size: number; readonly parts: Uint8Array[] } | null = null;
  #next: Extension = {};
  #ended = false;

  /** @param admit Throws where an archive may not hold this path, which is relative and has neither `.` nor `..` in it. */
  constructor(on: string, admit: (path: string) => void) {
    this.#on = on;
    this.#admit = admit;
  }

  /**
   * @returns What may be unpacked of these bytes and of those kept from before.
   * @throws ColdkeepError `integrity`; what `admit` throws.
   */
  let(bytes: Uint8Array): Uint8Array {
    if (this.#ended) return new Uint8Array(0);
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    let at = 0;
    while (at < all.length && !this.#ended) {
      if (this.#left > 0) {
        const take = Math.min(this.#left, all.length - at);
        this.#extends?.parts.push(all.slice(at, at + take));
        this.#left -= take;
        at += take;
        if (this.#left === 0) this.#extend();
        continue;
      }
      if (all.length - at < BLOCK) break;
      const header = Buffer.from(all.buffer, all.byteOffset + at, BLOCK);
      if (header.every((byte) => byte === 0)) this.#ended = true;
      else {
        this.#read(header);
        at += BLOCK;
      }
    }
    this.#held = Buffer.from(this.#ended ? [] : all.subarray(at));
    // Whoever unpacks ends at two blocks of zeros, and so reads nothing that nobody has looked at.
    return this.#ended ? Buffer.concat([all.subarray(0, at), Buffer.alloc(2 * BLOCK)]) : all.subarray(0, at);
  }

  /** @throws ColdkeepError `integrity` where the archive has no end. */
  end(): void {
    if (!this.#ended) throw this.#damaged("it is cut off");
  }

  #read(header: Buffer): void {
    const sum = header.reduce((all, byte, nth) => all + (nth >= 148 && nth < 156 ? 0x20 : byte), 0);
    if (this.#number(header, 148, 8) !== sum) throw this.#damaged("the checksum of a header is wrong");
    const type = header.toString("latin1", 156, 157);
    const size = this.#number(header, 124, 12);
    if (type === PAX || type === PAX_FOR_ALL || type === LONG_NAME || type === LONG_TARGET) {
      if (size === 0 || size > MOST_EXTENDED) throw this.#damaged(`a header is followed by ${size} bytes of names`);
      this.#extends = { type, size, parts: [] };
      this.#left = filled(size);
      return;
    }
    this.#check(header, type, size);
    this.#next = {};
  }

  #check(header: Buffer, type: string, told: number): void {
    const { path = nameOf(header), target = textOf(header, 157, 100), size = told } = this.#next;
    const name = this.#pathOf(path);
    if (FILE.has(type)) {
      // Before 1988 a folder was a file whose name ends in a slash.
      if (path.endsWith("/") && size > 0) throw this.#damaged(`${show(path)} is a folder of ${size} bytes`);
      this.#left = filled(size);
    } else if (type !== FOLDER && type !== HARD_LINK && type !== SYMBOLIC_LINK) {
      throw this.#foreign(`${show(path)} is neither file, folder nor link (type ${show(type)})`);
    } else if (size !== 0) {
      throw this.#damaged(`${show(path)} is no file and has ${size} bytes`);
    }
    if (name === "") {
      if (type === FOLDER || path.endsWith("/")) return;
      throw this.#damaged("an entry without a name");
    }
    this.#admit(name);
    this.#throughNoLink(name);
    if (type === HARD_LINK) {
      const other = this.#pathOf(target);
      if (other === "") throw this.#damaged(`${show(name)} is a link to nothing`);
      this.#admit(other);
      this.#throughNoLink(other.slice(0, Math.max(0, other.lastIndexOf("/"))));
    }
    if (type === SYMBOLIC_LINK) this.#remember(name, target);
  }

  /** Where a symbolic link leads is the node's own business, as long as nothing is unpacked through it. */
  #remember(name: string, target: string): void {
    if (target === "" || target.includes("\0")) throw this.#damaged(`${show(name)} is a link to ${show(target)}`);
    this.#links.add(name);
    if (this.#links.size > MOST_LINKS) throw this.#foreign(`it holds more than ${MOST_LINKS} symbolic links`);
  }

  #throughNoLink(name: string): void {
    if (this.#links.size === 0) return;
    for (let at = name.length; at > 0; at = name.lastIndexOf("/", at - 1)) {
      if (this.#links.has(name.slice(0, at))) throw this.#foreign(`${show(name)} lies behind a symbolic link`);
    }
  }

  /** Relative, without `.` in it; "" for the folder itself. */
  #pathOf(path: string): string {
    if (path.startsWith("/") || path.includes("\0")) throw this.#foreign(`it holds ${show(path)}`);
    const parts = path.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes("..")) throw this.#foreign(`it holds ${show(path)}`);
    return parts.join("/");
  }

  #extend(): void {
    if (this.#extends === null) return;
    const { type, size, parts } = this.#extends;
    const bytes = Buffer.concat(parts).subarray(0, size);
    this.#extends = null;
    if (type === LONG_NAME) this.#tell("path", withoutEnd(bytes.toString("latin1")));
    else if (type === LONG_TARGET) this.#tell("target", withoutEnd(bytes.toString("latin1")));
    else this.#readPax(bytes, type === PAX_FOR_ALL);
  }

  /** What is said twice might be believed by one reader here and by another there. */
  #tell<K extends keyof Extension>(what: K, value: Extension[K]): void {
    if (this.#next[what] !== undefined) throw this.#damaged(`the ${what} of an entry is told twice`);
    this.#next[what] = value;
  }

  /** Records of "<length> <key>=<value>\n". */
  #readPax(bytes: Buffer, forAll: boolean): void {
    for (let at = 0; at < bytes.length; ) {
      const [told = "", digits = ""] = /^([1-9][0-9]{0,5}) /.exec(bytes.toString("latin1", at, at + 8)) ?? [];
      const end = at + Number(digits);
      const [key = "", ...rest] = bytes.toString("latin1", at + told.length, end - 1).split("=");
      if (told === "" || end > bytes.length || bytes[end - 1] !== 0x0a || key === "" || rest.length === 0) {
        throw this.#damaged("a pax header cannot be read");
      }
      this.#say(key, rest.join("="), forAll);
      at = end;
    }
  }

  #say(key: string, value: string, forAll: boolean): void {
    if (REFUSED.test(key)) throw this.#foreign(`a pax header says ${show(key)}`);
    if (key !== "path" && key !== "linkpath" && key !== "size") return;
    if (forAll) throw this.#foreign(`a pax header says ${show(key)} of all that follows`);
    if (key === "path") this.#tell("path", value);
    if (key === "linkpath") this.#tell("target", value);
    if (key !== "size") return;
    if (!/^(0|[1-9][0-9]{0,14})$/.test(value)) throw this.#damaged(`a file of ${show(value)} bytes`);
    this.#tell("size", Number(value));
  }

  /** Octal digits, or GNU's numbers to the base of 256. */
  #number(header: Buffer, at: number, length: number): number {
    if (header[at] === 0x80) {
      const value = header.subarray(at + 1, at + length).reduce((all, byte) => all * 256 + byte, 0);
      if (value <= Number.MAX_SAFE_INTEGER / 2) return value;
    }
    const digits = /^ *([0-7]+)[ \0]*$/.exec(header.toString("latin1", at, at + length))?.[1];
    if (digits === undefined) throw this.#damaged("a number in a header cannot be read");
    return Number.parseInt(digits, 8);
  }

  #damaged(why: string): ColdkeepError {
    return new ColdkeepError("integrity", {
      what: "the archive cannot be unpacked",
      on: this.#on,
      why,
      todo: "it is damaged or incomplete: take another one",
    });
  }

  #foreign(why: string): ColdkeepError {
    return new ColdkeepError("integrity", {
      what: "the archive holds what it must not",
      on: this.#on,
      why,
      todo: "see where it comes from: whoever made it may mean harm. Nothing of it was taken in",
    });
  }
}

const filled = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

/** POSIX has a second field for the folder; GNU, whose magic ends in blanks, has other things there. */
function nameOf(header: Buffer): string {
  const prefix = header.toString("latin1", 257, 263) === "ustar\0" ? textOf(header, 345, 155) : "";
  const name = textOf(header, 0, 100);
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** Bytes as text of one sign each, to the first NUL. */
function textOf(header: Buffer, at: number, length: number): string {
  return header.toString("latin1", at, at + length).split("\0", 1)[0] ?? "";
}

/** GNU's long names end in a NUL. */
const withoutEnd = (text: string): string => text.replace(/\0+$/, "");

/** As it may be shown: JSON's escapes, and no more than fits on a line. */
function show(text: string): string {
  const said = JSON.stringify(Buffer.from(text, "latin1").toString("utf8"));
  return said.length > 120 ? `${said.slice(0, 120)}…` : said;
}
