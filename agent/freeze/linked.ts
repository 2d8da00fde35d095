import { toFileTime } from "../../posix/times.ts";
import { below, fromBytes, fromText, toBytes } from "./bytes.ts";
import type { FrozenPlace } from "./frozen-place.ts";
import { statOf } from "./look.ts";
import type { FileRow } from "./records.ts";
import type { LinkedFile } from "./types.ts";
import type { WalkFiles } from "./walk-files.ts";

export interface LinkedOptions {
  readonly places: readonly FrozenPlace[];
  readonly files: WalkFiles;
  readonly walk: number;
}

/**
 * The files that a walk has linked, in its order. Left out is what a later change could hide in: on file systems whose
 * times tell nothing, or within the tick of the clock in which it was linked.
 */
export function* readLinked({ places, files, walk }: LinkedOptions): Generator<LinkedFile> {
  const now = places.map((place) => place.now());
  for (const head of files.heads(walk)) {
    const place = places[head.root];
    if (place === undefined || !place.honestTimes) continue;
    const folder = below(fromText(place.root.name), head.path);
    for (const row of files.rows(head)) {
      const { means, mutability, number, offset, size, sparse, mtimeNs, ctimeNs } = row;
      if (means !== "link" || mutability === "mutable" || row.grouped || row.secret) continue;
      if (ctimeNs >= (now[head.root] ?? 0n)) continue;
      const source = place.pathOf(number);
      const file: Omit<LinkedFile, "__brand"> = {
        path: toBytes(below(folder, row.name)),
        source,
        ...{ offset, size, sparse, mutability, linked: true, secret: false },
        mtime: toFileTime(mtimeNs),
        isAsLinked: () => isLike(source, row),
      };
      yield file as LinkedFile;
    }
  }
}

/** True where nothing has happened to a frozen file since it was like that. @throws ColdkeepError. */
function isLike(source: Buffer, { ino, size, mtimeNs, ctimeNs }: FileRow): boolean {
  const now = statOf(fromBytes(source));
  return now !== null && now.ino === ino && now.size === size && now.mtimeNs === mtimeNs && now.ctimeNs === ctimeNs;
}
