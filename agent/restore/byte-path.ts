/**
 * A path as latin1 text, one character a byte: any name the file system holds survives as a key, in messages between
 * threads and in JSON. Only `toBytes` gives what a system call may see.
 */
export type BytePath = string & { readonly __brand: "BytePath" };

/** The byte path of a path as people and the config write it (UTF-8). */
export function fromText(path: string): BytePath {
  return Buffer.from(path, "utf8").toString("latin1") as BytePath;
}

/** The byte path of bytes as the manifest or readdir gives them. */
export function fromBytes(path: Uint8Array): BytePath {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString("latin1") as BytePath;
}

/** What system calls take. */
export function toBytes(path: BytePath): Buffer {
  return Buffer.from(path, "latin1");
}

/** As it is shown to people; bytes that are no UTF-8 appear as U+FFFD. */
export function toText(path: BytePath): string {
  return Buffer.from(path, "latin1").toString("utf8");
}

/** `name` inside `folder`. */
export function below(folder: BytePath, name: string): BytePath {
  return (folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`) as BytePath;
}

/** The folder a path lies in. The path is absolute and does not end in a slash. */
export function parentOf(path: BytePath): BytePath {
  const slash = path.lastIndexOf("/");
  return (slash <= 0 ? "/" : path.slice(0, slash)) as BytePath;
}

/** Last component. */
export function nameOf(path: BytePath): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
