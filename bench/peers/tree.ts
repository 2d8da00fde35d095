import { createHash } from "node:crypto";
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";

export interface TreeDigest {
  /** Of paths, kinds, contents and targets. */
  readonly content: string;
  /** Of modes and times of last change (in µs, which is what all tools keep). */
  readonly metadata: string;
  readonly bytes: number;
  readonly files: number;
}

const BUFFER = Buffer.alloc(1 << 20);

/** What is told of a tree to see that another is equal. Reads every byte. */
export function digestTree(root: string): TreeDigest {
  const content = createHash("sha256");
  const metadata = createHash("sha256");
  let bytes = 0;
  let files = 0;
  for (const path of readdirSync(root, { recursive: true, encoding: "utf8" }).sort()) {
    const at = join(root, path);
    const info = lstatSync(at, { bigint: true });
    content.update(`${info.mode >> 12n} ${path}\0`);
    if (info.isSymbolicLink()) content.update(readlinkSync(at));
    if (!info.isFile()) continue;
    files += 1;
    bytes += digestFile(at, content);
    metadata.update(`${path} ${info.mode} ${info.mtimeNs / 1000n}\0`);
  }
  return { content: content.digest("hex"), metadata: metadata.digest("hex"), bytes, files };
}

function digestFile(path: string, into: ReturnType<typeof createHash>): number {
  const file = openSync(path, "r");
  let size = 0;
  try {
    for (let got = readSync(file, BUFFER); got > 0; got = readSync(file, BUFFER)) {
      into.update(BUFFER.subarray(0, got));
      size += got;
    }
  } finally {
    closeSync(file);
  }
  return size;
}

/** Bytes of all files below a folder, 0 where there is none. */
export function sizeOf(folder: string): number {
  try {
    const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
    return paths
      .map((path) => lstatSync(join(folder, path)))
      .reduce((sum, info) => sum + (info.isFile() ? info.size : 0), 0);
  } catch {
    return 0;
  }
}
