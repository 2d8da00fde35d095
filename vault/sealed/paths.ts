import { ColdkeepError } from "../names/index.ts";

/** Bytes of a whole path, and of one component: what Linux takes (PATH_MAX and NAME_MAX, limits.h). */
const MAX_PATH = 4095;
const MAX_NAME = 255;

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * Orders paths by their components, each bytewise, a shorter path before what it begins: so a directory comes directly
 * before all it contains, and the list of entries is the tree in the order it is walked.
 */
export function comparePaths(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const x = a[i] ?? 0;
    const y = b[i] ?? 0;
    if (x === y) continue;
    // The separator ends a component, so it sorts before every byte of a name.
    if (x === SLASH) return -1;
    if (y === SLASH) return 1;
    return x - y;
  }
  return a.length - b.length;
}

/**
 * A path that can be put below a folder and stays there: components without `.`, `..`, NUL, none empty.
 * @throws ColdkeepError `integrity`.
 */
export function assertSafePath(path: Uint8Array): void {
  if (path.length > MAX_PATH) throw refuse(path, `it has ${path.length} bytes, allowed are ${MAX_PATH}`);
  let start = 0;
  for (let i = 0; i <= path.length; i++) {
    if (i < path.length && path[i] === 0) throw refuse(path, "it holds a NUL byte");
    if (i === path.length || path[i] === SLASH) {
      assertSafeName(path, start, i);
      start = i + 1;
    }
  }
}

function assertSafeName(path: Uint8Array, start: number, end: number): void {
  const length = end - start;
  if (length === 0) throw refuse(path, "it has an empty component");
  if (length > MAX_NAME) throw refuse(path, `a component has ${length} bytes, allowed are ${MAX_NAME}`);
  const dots = length <= 2 && path[start] === DOT && path[end - 1] === DOT;
  if (dots) throw refuse(path, 'a component is "." or ".."');
}

/** A path for people: UTF-8 where it is, escapes where it is not. */
export function showPath(path: Uint8Array): string {
  return JSON.stringify(Buffer.from(path.buffer, path.byteOffset, Math.min(path.byteLength, 512)).toString("utf8"));
}

function refuse(path: Uint8Array, why: string): ColdkeepError {
  return new ColdkeepError("integrity", { what: "a path that cannot be restored", on: showPath(path), why });
}
