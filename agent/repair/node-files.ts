import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** Somewhere a chunk lay when it was captured. */
export interface ChunkOrigin {
  /** `<root>/<path>`, latin1, one character a byte. */
  readonly path: string;
  /** Byte offset in the file. */
  readonly at: number;
}

/**
 * What the node's own file holds there now; null where there are no such bytes. The node may run and write meanwhile:
 * what is read counts only once its chunk id was compared.
 */
export function readOrigin(
  roots: ReadonlyMap<string, string>,
  { path, at }: ChunkOrigin,
  length: number,
): Buffer | null {
  const slash = path.indexOf("/");
  const root = roots.get(Buffer.from(path.slice(0, slash), "latin1").toString("utf8"));
  if (slash < 0 || root === undefined) return null;
  const file = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path.slice(slash + 1), "latin1")]);
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const info = fstatSync(fd);
    if (!info.isFile() || info.size < at + length) return null;
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const got = readSync(fd, bytes, done, length - done, at + done);
      if (got === 0) return null;
      done += got;
    }
    return bytes;
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}
