import { createRequire } from "node:module";
import { getSystemErrorMessage, getSystemErrorName } from "node:util";
import { messageOf } from "../vault/names/index.ts";
import { type PathBytes, showPath } from "./system-error.ts";

/** A path or name as the kernel takes it: bytes that end with NUL (`cString`). */
type CString = Buffer;

/** The calls Node does not offer, as libc declares them. Numbers come back as libc returns them; -1: see `errno`. */
export interface Libc {
  /** lseek(2). */
  lseek(fd: number, offset: number, whence: number): number;
  /** syncfs(2). */
  syncfs(fd: number): number;
  /** utimensat(2); `times` holds atime and mtime, each as seconds and nanoseconds. */
  utimensat(folder: number, path: CString, times: BigInt64Array, flags: number): number;
  /** futimens(3). */
  futimens(fd: number, times: BigInt64Array): number;
  /** llistxattr(2), lgetxattr(2), lsetxattr(2), fsetxattr(2). */
  llistxattr(path: CString, list: Buffer, size: number): number;
  lgetxattr(path: CString, name: CString, value: Buffer, size: number): number;
  lsetxattr(path: CString, name: CString, value: Buffer, size: number, flags: number): number;
  fsetxattr(fd: number, name: CString, value: Buffer, size: number, flags: number): number;
  /** posix_fadvise(2). */
  posixFadvise(fd: number, offset: number, length: number, advice: number): number;
  /** fallocate(2). */
  fallocate(fd: number, mode: number, offset: number, length: number): number;
  /** openat(2). */
  openat(folder: number, path: CString, flags: number, mode: number): number;
  /** fcntl(2), of the commands whose argument is a number. */
  fcntl(fd: number, command: number, argument: number): number;
  /** memcpy(3); answers the address of `to`. */
  memcpy(to: Uint8Array, from: Uint8Array, length: number): number | bigint;
  /** syscall(2), for cachestat(2), which libc does not declare. */
  syscall(number: number, fd: number, range: BigUint64Array, answer: BigUint64Array, flags: number): number;
  /** syscall(2), for calls whose arguments are three numbers: ioprio_set(2), which libc does not declare either. */
  syscallOfNumbers(number: number, first: number, second: number, third: number): number;
  /** statx(2); absent where this libc has none. */
  readonly statx?: (folder: number, path: CString, flags: number, mask: number, answer: Buffer) => number;
  /** getdents64(2); absent where this libc has none. */
  readonly getdents64?: (fd: number, entries: Buffer, length: number) => number | bigint;
  /** mallopt(3); absent where this libc is not glibc. */
  readonly mallopt?: (parameter: number, value: number) => number;
  errno(): number;
}

type Loaded = { readonly libc: Libc; readonly trouble: null } | { readonly libc: null; readonly trouble: string };

let loaded: Loaded | undefined;

/** libc, loaded on first use and once a thread; null where it cannot be had (`libcTrouble` says why). */
export function libc(): Libc | null {
  loaded ??= load();
  return loaded.libc;
}

/** Why libc cannot be called from here, in words; null where it can. */
export function libcTrouble(): string | null {
  loaded ??= load();
  return loaded.trouble;
}

function load(): Loaded {
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    // No name: the libc that this very process runs on, glibc or musl.
    const own = koffi.load(null);
    return {
      trouble: null,
      libc: {
        lseek: own.func("int64_t lseek(int fd, int64_t offset, int whence)"),
        syncfs: own.func("int syncfs(int fd)"),
        utimensat: own.func("int utimensat(int folder, const void *path, const void *times, int flags)"),
        futimens: own.func("int futimens(int fd, const void *times)"),
        llistxattr: own.func("int64_t llistxattr(const void *path, void *list, size_t size)"),
        lgetxattr: own.func("int64_t lgetxattr(const void *path, const void *name, void *value, size_t size)"),
        lsetxattr: own.func(
          "int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)",
        ),
        fsetxattr: own.func("int fsetxattr(int fd, const void *name, const void *value, size_t size, int flags)"),
        posixFadvise: own.func("int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)"),
        fallocate: own.func("int fallocate(int fd, int mode, int64_t offset, int64_t length)"),
        openat: own.func("int openat(int folder, const void *path, int flags, unsigned int mode)"),
        fcntl: own.func("int fcntl(int fd, int command, int argument)"),
        memcpy: own.func("uintptr_t memcpy(const void *to, const void *from, size_t length)"),
        syscall: own.func(
          "int64_t syscall(int64_t number, int64_t fd, const void *range, void *answer, int64_t flags)",
        ),
        syscallOfNumbers: own.func("int64_t syscall(int64_t number, int64_t first, int64_t second, int64_t third)"),
        ...optional("statx", () =>
          own.func("int statx(int folder, const void *path, int flags, unsigned int mask, void *answer)"),
        ),
        ...optional("getdents64", () => own.func("int64_t getdents64(int fd, void *entries, size_t length)")),
        ...optional("mallopt", () => own.func("int mallopt(int parameter, int value)")),
        errno: () => koffi.errno(),
      },
    };
  } catch (error) {
    return { libc: null, trouble: messageOf(error) };
  }
}

/** What a libc that is older does not have (statx: glibc from 2.28, musl from 1.2.5; getdents64: glibc from 2.30), and musl has not at all (mallopt). */
function optional<Name extends string, Call>(name: Name, find: () => Call): { [key in Name]?: Call } {
  try {
    return { [name]: find() } as { [key in Name]?: Call };
  } catch {
    return {};
  }
}

/** Bytes as a C string. @throws RangeError where they hold a NUL, which would cut the name short. */
export function cString(text: PathBytes): CString {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  if (bytes.includes(0)) throw new RangeError(`a name holds a NUL byte: ${showPath(text)}`);
  const ended = Buffer.allocUnsafe(bytes.length + 1);
  bytes.copy(ended);
  ended[bytes.length] = 0;
  return ended;
}

/** A failed call as Node would throw it: `code`, `errno`, `syscall`. */
export function callError(call: string, errno: number, on: PathBytes | number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  const place = typeof on === "number" ? `fd ${on}` : `'${showPath(on)}'`;
  return Object.assign(new Error(`${code}: ${getSystemErrorMessage(-errno)}, ${call} ${place}`), {
    code,
    errno: -errno,
    syscall: call,
  });
}
