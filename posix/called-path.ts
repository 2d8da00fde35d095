/** Longer than PATH_MAX (limits.h), which the kernel refuses itself. */
const MOST = 8192;

const path = Buffer.alloc(MOST);
let folder = "";
/** Bytes of the folder and its slash. */
let length = 0;

/**
 * `name` in `folder` (latin1, one character a byte) as a C string, in a buffer that the next call overwrites: whoever asks
 * after all files of a folder writes its path once. Null where it is longer than any path, or holds a NUL.
 */
export function calledPath(inFolder: string, name: string): Buffer | null {
  if (inFolder !== folder) {
    if (inFolder.length + 2 > MOST || inFolder.includes("\0")) return null;
    length = path.write(inFolder, 0, "latin1");
    path[length++] = 0x2f;
    folder = inFolder;
  }
  const end = length + name.length;
  if (end >= MOST || name.includes("\0")) return null;
  path.write(name, length, "latin1");
  path[end] = 0;
  return path;
}
