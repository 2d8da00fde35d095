import { toBase64url } from "../../vault/names/index.ts";
import { type Listed, showByteName } from "../browse/index.ts";
import { formatTime } from "../report/index.ts";

const UTF8_ONLY = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** An entry for programs: paths as text where they are UTF-8, else as base64url under a name ending in `_raw`. */
export function entryDocument({ path, type, mode, uid, gid, mtime, size, target, secret }: Listed): object {
  return {
    ...bytesDocument("path", path),
    type,
    mode,
    uid,
    gid,
    mtime: [mtime.seconds, mtime.nanoseconds],
    ...(type === "file" ? { size } : {}),
    ...(target === undefined ? {} : bytesDocument("target", target)),
    ...(secret === true ? { secret } : {}),
  };
}

function bytesDocument(field: string, bytes: Uint8Array): object {
  try {
    return { [field]: UTF8_ONLY.decode(bytes) };
  } catch {
    return { [`${field}_raw`]: toBase64url(bytes) };
  }
}

/** A path as `coldkeep cat` takes it back; a folder's ends in a slash. */
export function entryName({ path, type }: Listed): string {
  return `${showByteName(path)}${type === "directory" ? "/" : ""}`;
}

/** As `ls -ln` shows it, owners as numbers: their names are another machine's. */
export function entryLine(entry: Listed): string {
  const { mode, uid, gid, size, mtime, type, target } = entry;
  const owner = `${String(uid).padStart(5)} ${String(gid).padStart(5)}`;
  const to = target === undefined ? "" : ` ${type === "hardlink" ? "==" : "->"} ${showByteName(target)}`;
  return `${modeWords(type, mode)} ${owner} ${String(size).padStart(13)} ${formatTime(mtime.seconds * 1000)} ${entryName(entry)}${to}`;
}

const LETTERS = { file: "-", directory: "d", symlink: "l", hardlink: "-" } as const;

function modeWords(type: Listed["type"], mode: number): string {
  const three = (shift: number, special: number, letter: string) => {
    const bits = mode >> shift;
    const runs = (bits & 1) !== 0;
    const last = (mode & special) !== 0 ? (runs ? letter : letter.toUpperCase()) : runs ? "x" : "-";
    return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${last}`;
  };
  return `${LETTERS[type]}${three(6, 0o4000, "s")}${three(3, 0o2000, "s")}${three(0, 0o1000, "t")}`;
}
