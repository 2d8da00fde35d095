import { constants } from "node:os";
import { calledPath } from "./called-path.ts";
import { callError, cString, type Libc, libc } from "./libc.ts";
import type { PathBytes } from "./system-error.ts";

/** An extended attribute (xattr(7)). */
export interface Xattr {
  /** With its namespace: `user.…`, `security.…`. Bytes that are no UTF-8 as `nameToText` writes them. */
  readonly name: string;
  readonly value: Uint8Array;
}

const { ENODATA, ERANGE, EOPNOTSUPP } = constants.errno;
/** XATTR_LIST_MAX and XATTR_SIZE_MAX, limits.h: no answer is longer. */
const LIST_MAX = 65_536;
const VALUE_MAX = 65_536;
/** The kernel makes room for as much as it is told to: most files have none. */
const LIST_USUAL = 512;

const buffers = { list: Buffer.alloc(0), value: Buffer.alloc(0) };

/**
 * All attributes of a path (a symlink's own), sorted by name; none where the file system knows none or libc cannot be
 * called. Attributes that vanish meanwhile are left out.
 * @throws the system's error.
 */
export function readXattrs(path: PathBytes): Xattr[] {
  const calls = libc();
  return calls === null ? [] : readCalled(calls, cString(path), path);
}

/** Those of `name` in `folder`, both latin1: one character a byte. @throws the system's error. */
export function readXattrsBelow(folder: string, name: string): Xattr[] {
  const calls = libc();
  const at = calls === null ? null : calledPath(folder, name);
  return calls === null || at === null
    ? readXattrs(Buffer.from(`${folder}/${name}`, "latin1"))
    : readCalled(calls, at, null);
}

/** `path`, for messages; where it is null it is what `at` holds. */
function readCalled(calls: Libc, at: Buffer, path: PathBytes | null): Xattr[] {
  const on = () => path ?? Buffer.from(at.subarray(0, at.indexOf(0)));
  if (buffers.list.length === 0)
    Object.assign(buffers, { list: Buffer.alloc(LIST_MAX), value: Buffer.alloc(VALUE_MAX) });
  let length = calls.llistxattr(at, buffers.list, LIST_USUAL);
  if (length < 0 && calls.errno() === ERANGE) length = calls.llistxattr(at, buffers.list, LIST_MAX);
  if (length < 0) {
    const errno = calls.errno();
    if (errno === EOPNOTSUPP) return [];
    throw callError("llistxattr", errno, on());
  }
  if (length === 0) return [];
  const found: Xattr[] = [];
  for (let from = 0; from < length; ) {
    const end = buffers.list.indexOf(0, from);
    if (end < 0 || end >= length) break;
    const name = Buffer.from(buffers.list.subarray(from, end + 1));
    const size = calls.lgetxattr(at, name, buffers.value, VALUE_MAX);
    if (size >= 0) found.push({ name: nameToText(name.subarray(0, -1)), value: copyOf(buffers.value, size) });
    else {
      const errno = calls.errno();
      // A value beyond the kernel's own limit can only be told by file systems that lie about it.
      if (errno !== ENODATA && errno !== ERANGE) throw callError("lgetxattr", errno, on());
    }
    from = end + 1;
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Sets one attribute of a path (a symlink's own) or of an open file.
 * @throws the system's error: ENOTSUP where the file system takes none or libc cannot be called, EPERM without the right.
 */
export function setXattr(target: PathBytes | number, { name, value }: Xattr): void {
  const calls = libc();
  if (calls === null) throw callError("lsetxattr", EOPNOTSUPP, target);
  const key = cString(nameFromText(name));
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const done =
    typeof target === "number"
      ? calls.fsetxattr(target, key, bytes, bytes.length, 0)
      : calls.lsetxattr(cString(target), key, bytes, bytes.length, 0);
  if (done !== 0) throw callError("lsetxattr", calls.errno(), target);
}

/** Private-use characters that stand for single bytes 0x80 to 0xff. */
const ESCAPES = 0xef00;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * An attribute's name as text, without loss: UTF-8 as it is, any other byte b as U+EF00 + b. Names that hold such
 * characters themselves are escaped byte by byte, so that no two names get one text.
 */
export function nameToText(name: Uint8Array): string {
  try {
    const text = UTF8.decode(name);
    if (!/[\uef80-\uefff]/.test(text)) return text;
  } catch {
    // Not UTF-8.
  }
  return Array.from(name, (byte) => String.fromCharCode(byte < 0x80 ? byte : ESCAPES + byte)).join("");
}

/** The bytes of a name that `nameToText` wrote. */
export function nameFromText(text: string): Buffer {
  const parts = text.match(/[\uef80-\uefff]+|[^\uef80-\uefff]+/g) ?? [];
  return Buffer.concat(
    parts.map((part) =>
      part.charCodeAt(0) >= ESCAPES + 0x80 && part.charCodeAt(0) <= ESCAPES + 0xff
        ? Buffer.from(Array.from(part, (c) => c.charCodeAt(0) - ESCAPES))
        : Buffer.from(part),
    ),
  );
}

function copyOf(bytes: Buffer, length: number): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes, 0, length);
}
