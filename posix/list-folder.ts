import { closeSync, type Dirent, constants as files, opendirSync } from "node:fs";
import { constants as system } from "node:os";
import { calledPath } from "./called-path.ts";
import { callError, type Libc, libc } from "./libc.ts";
import { isFile, isFolder, isSymlink, lookBelow } from "./stat.ts";

export type EntryKind = "file" | "folder" | "symlink" | "other";

/** Bytes of names asked of the system at once: all of a usual folder, and of a folder of a million names nothing. */
const AT_ONCE = 32 * 1024;
/** Names asked for at once where libc cannot be called. */
const NAMES_AT_ONCE = 512;
/** open(2), the same number on all architectures Node 24 runs on. */
const O_CLOEXEC = 0o2000000;
const AT_FDCWD = -100;
/** struct linux_dirent64 (getdents64(2)): inode, offset, length of the record, type, name. */
const LENGTH_AT = 16;
const TYPE_AT = 18;
const NAME_AT = 19;
/** DT_* of readdir(3). */
const KINDS: Readonly<Record<number, EntryKind>> = { 4: "folder", 8: "file", 10: "symlink" };
const UNKNOWN = 0;

type Getdents = Libc & { readonly getdents64: NonNullable<Libc["getdents64"]> };

/**
 * Tells what is in a folder (latin1, one character a byte), one name after the other and in no order: a folder of a million
 * names is never held as the system's objects. By getdents64(2), which of small folders takes a fifth of what Node's own
 * way takes; by that one where libc cannot be called, or this libc has none.
 * @throws the system's error.
 */
export function listFolder(path: string, take: (name: string, kind: EntryKind) => void): void {
  const calls = libc();
  const called = calls?.getdents64 === undefined ? null : wholePath(path);
  if (called === null) {
    listByNode(path, take);
    return;
  }
  const fd = open(calls as Getdents, called, path);
  try {
    listOpen(calls as Getdents, fd, path, take);
  } finally {
    closeSync(fd);
  }
}

function wholePath(path: string): Buffer | null {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? null : calledPath(path.slice(0, slash) || "/", path.slice(slash + 1) || ".");
}

function open(calls: Getdents, called: Buffer, path: string): number {
  for (;;) {
    const fd = calls.openat(AT_FDCWD, called, files.O_RDONLY | files.O_DIRECTORY | O_CLOEXEC, 0);
    if (fd >= 0) return fd;
    const errno = calls.errno();
    if (errno !== system.errno.EINTR) throw callError("open", errno, Buffer.from(path, "latin1"));
  }
}

/** Kept for the next folder; null while one is being listed, whose `take` may list another. */
let spare: Block | null = null;

interface Block {
  readonly bytes: Buffer;
  /** The same, as the kernel writes lengths: in the machine's own order. */
  readonly words: Uint16Array;
}

function makeBlock(): Block {
  const memory = new ArrayBuffer(AT_ONCE);
  return { bytes: Buffer.from(memory), words: new Uint16Array(memory) };
}

function listOpen(calls: Getdents, fd: number, path: string, take: (name: string, kind: EntryKind) => void): void {
  const block = spare ?? makeBlock();
  const { bytes, words } = block;
  spare = null;
  try {
    for (;;) {
      const got = Number(calls.getdents64(fd, bytes, AT_ONCE));
      // Of a folder that was removed meanwhile there is nothing more to tell.
      if (got === 0) return;
      if (got < 0) throw callError("getdents64", calls.errno(), Buffer.from(path, "latin1"));
      for (let at = 0; at < got; at += words[(at + LENGTH_AT) / 2] ?? got) {
        const name = bytes.toString("latin1", at + NAME_AT, bytes.indexOf(0, at + NAME_AT));
        if (name === "." || name === "..") continue;
        const type = bytes[at + TYPE_AT] ?? UNKNOWN;
        const kind = type === UNKNOWN ? kindBelow(path, name) : (KINDS[type] ?? "other");
        if (kind !== null) take(name, kind);
      }
    }
  } finally {
    spare = block;
  }
}

/** Some file systems keep no types in their folders. Null where the name is gone. */
function kindBelow(folder: string, name: string): EntryKind | null {
  const info = lookBelow(folder, name);
  if (info === null) return null;
  if (isFolder(info)) return "folder";
  if (isSymlink(info)) return "symlink";
  return isFile(info) ? "file" : "other";
}

function listByNode(path: string, take: (name: string, kind: EntryKind) => void): void {
  // Buffers, as a file system that keeps no types in its folders has each name looked at, and names are bytes.
  const encoding = "buffer" as BufferEncoding;
  using folder = opendirSync(Buffer.from(path, "latin1"), { encoding, bufferSize: NAMES_AT_ONCE });
  for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
    const name = entry.name as unknown as Buffer;
    take(name.toString("latin1"), kindOf(entry));
  }
}

function kindOf(entry: Dirent): EntryKind {
  if (entry.isDirectory()) return "folder";
  if (entry.isSymbolicLink()) return "symlink";
  return entry.isFile() ? "file" : "other";
}
