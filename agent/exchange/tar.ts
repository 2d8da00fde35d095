import { ColdkeepError } from "../../vault/names/index.ts";

/** One thing in an archive. Paths are bytes, relative, without `.` or `..` in them. */
export interface TarEntry {
  readonly path: Uint8Array;
  readonly type: "file" | "directory" | "symlink" | "hardlink";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since the epoch. */
  readonly mtime: number;
  /** Bytes of a file that follow it. */
  readonly size: number;
  /** Of a symlink; of a hard link the path of an entry before it. */
  readonly target?: Uint8Array;
}

export type TarItem = { readonly entry: TarEntry } | { readonly bytes: Uint8Array };

const BLOCK = 512;
const TYPES = { file: "0", hardlink: "1", symlink: "2", directory: "5" } as const;
/** What the fields of a header hold (POSIX.1-1988 ustar); what is more goes into a pax header before it. */
const LONGEST = 100;
const LARGEST = 8 ** 11 - 1;
const LARGEST_ID = 8 ** 7 - 1;

/**
 * A tar archive of what comes, as it comes: ustar, with pax headers (POSIX.1-2001) for what that cannot hold. Memory does
 * not grow with it.
 * @throws ColdkeepError `internal` where a file has not as many bytes as its entry says.
 */
export async function* tarBytes(items: AsyncIterable<TarItem>): AsyncGenerator<Uint8Array> {
  let left = 0;
  let padding = 0;
  for await (const item of items) {
    if ("bytes" in item) {
      left -= item.bytes.length;
      if (left < 0) throw wrongSize();
      yield item.bytes;
      if (left === 0 && padding > 0) yield Buffer.alloc(padding);
      continue;
    }
    if (left !== 0) throw wrongSize();
    yield headerOf(item.entry);
    left = item.entry.type === "file" ? item.entry.size : 0;
    padding = (BLOCK - (left % BLOCK)) % BLOCK;
  }
  if (left !== 0) throw wrongSize();
  yield Buffer.alloc(2 * BLOCK);
}

function headerOf(entry: TarEntry): Uint8Array {
  const { path, target, type, uid, gid, size } = entry;
  const name = type === "directory" ? Buffer.concat([path, Buffer.from("/")]) : path;
  const records = [
    ...(name.length > LONGEST ? [record("path", name)] : []),
    ...(target !== undefined && target.length > LONGEST ? [record("linkpath", target)] : []),
    ...(size > LARGEST ? [record("size", Buffer.from(String(size)))] : []),
    ...(uid > LARGEST_ID ? [record("uid", Buffer.from(String(uid)))] : []),
    ...(gid > LARGEST_ID ? [record("gid", Buffer.from(String(gid)))] : []),
  ];
  const header = ustar({ ...entry, path: name }, TYPES[type]);
  if (records.length === 0) return header;
  const extended = Buffer.concat(records);
  const before = { ...entry, path: Buffer.from("pax"), mode: 0o644, size: extended.length, target: new Uint8Array(0) };
  const padding = Buffer.alloc((BLOCK - (extended.length % BLOCK)) % BLOCK);
  return Buffer.concat([ustar(before, "x"), extended, padding, header]);
}

/** "<length> <key>=<value>\n", where the length counts its own digits. */
function record(key: string, value: Uint8Array): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from("\n")]);
}

function ustar({ path, target, mode, uid, gid, mtime, size }: Omit<TarEntry, "type">, type: string): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number, most: number) =>
    header.write(Math.min(Math.max(0, value), most).toString(8).padStart(digits, "0"), at, "latin1");
  header.set(path.subarray(0, LONGEST), 0);
  octal(mode & 0o7777, 100, 7, LARGEST_ID);
  octal(uid, 108, 7, LARGEST_ID);
  octal(gid, 116, 7, LARGEST_ID);
  octal(type === "0" || type === "x" ? size : 0, 124, 11, LARGEST);
  octal(mtime, 136, 11, LARGEST);
  header.write("        ", 148, "latin1");
  header.write(type, 156, "latin1");
  if (target !== undefined) header.set(target.subarray(0, LONGEST), 157);
  header.write("ustar\u000000", 257, "latin1");
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

function wrongSize(): ColdkeepError {
  return new ColdkeepError("internal", { what: "a file for an archive has another length than was said" });
}
