/**
 * A path as latin1 text, one character a byte: any name the file system holds survives as a key and in JSON. Only
 * `toBytes` gives what a system call may see.
 */
export type Latin1 = string;

export function fromBytes(path: Uint8Array): Latin1 {
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString("latin1");
}

/** Of a path as people and the configuration write it (UTF-8). */
export function fromText(path: string): Latin1 {
  return Buffer.from(path, "utf8").toString("latin1");
}

export function toBytes(path: Latin1): Buffer {
  return Buffer.from(path, "latin1");
}

/** As it is shown to people. */
export function toText(path: Latin1): string {
  return toBytes(path).toString("utf8");
}

/** `name` in `folder`; `""` is the folder that all paths are relative to, and as a name the folder itself. */
export function below(folder: Latin1, name: Latin1): Latin1 {
  if (folder === "" || name === "") return folder + name;
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** True where `path` lies in `folder`, at any depth. */
export function isBelow(path: Latin1, folder: Latin1): boolean {
  return folder === "" ? path !== "" : path.startsWith(`${folder}/`);
}

/** The order of entries: by components, each bytewise, a folder directly before all it contains. */
export function comparePaths(a: Latin1, b: Latin1): number {
  if (a === b) return 0;
  // NUL is in no name, and sorts the separator before every byte of one.
  const x = a.replaceAll("/", "\0");
  const y = b.replaceAll("/", "\0");
  return x < y ? -1 : x > y ? 1 : 0;
}
