import { type Dirent, lstatSync, opendirSync } from "node:fs";
import type { Clock } from "./clock.ts";

/** Folders of a tree that are looked at, and names of each. */
const SAMPLES = 6;
const NAMES = 64;
/** A look that the disk is asked for takes so many times as long as the next one. */
const SLOWER = 3;

/**
 * Whether the kernel has to ask the disk for a tree's folders: half of some that are looked at, the root (latin1) and those
 * that lie apart below it, take much longer the first time than the second. Takes less than a millisecond where it has
 * them, few where it does not. False where nothing can be looked at.
 */
export function isCold(path: string, clock: Pick<Clock, "monotonic">): boolean {
  function timed(folder: string): { readonly took: number; readonly found: readonly string[] } {
    const from = clock.monotonic();
    const found = look(folder);
    return { took: clock.monotonic() - from, found };
  }
  // The first call of all is slow for reasons of its own.
  look("/");
  const folders = [path];
  let slow = 0;
  let looked = 0;
  for (let folder = folders.shift(); folder !== undefined && looked < SAMPLES; folder = folders.shift()) {
    const { took, found } = timed(folder);
    if (took > SLOWER * timed(folder).took) slow += 1;
    looked += 1;
    for (const name of spread(found)) folders.push(folder === "/" ? `/${name}` : `${folder}/${name}`);
  }
  return slow * 2 > looked;
}

/** Names of folders in it, at most so many; one of its files is looked at. */
function look(path: string): string[] {
  const folders: string[] = [];
  let file: string | null = null;
  try {
    using folder = opendirSync(toBytes(path), { encoding: "latin1", bufferSize: NAMES });
    for (let n = 0, entry: Dirent | null; n < NAMES; n += 1) {
      entry = folder.readSync();
      if (entry === null) break;
      if (entry.isDirectory()) folders.push(entry.name);
      else file = entry.name;
    }
    if (file !== null) lstatSync(toBytes(`${path}/${file}`), { throwIfNoEntry: false });
  } catch {
    // Whoever comes for it says what is wrong.
  }
  return folders;
}

function spread(names: readonly string[]): string[] {
  const at = new Set([0, names.length >> 1, names.length - 1]);
  return [...at].flatMap((index) => names[index] ?? []);
}

function toBytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}
