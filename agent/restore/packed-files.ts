import type { BytePath } from "./byte-path.ts";
import type { JobFile, Metadata } from "./jobs.ts";

/**
 * Files of a job as they cross to another thread: one text of all paths, numbers side by side, and what few files have
 * apart. As objects, a small file cost more on its way than to be written.
 */
export interface PackedFiles {
  readonly bases: readonly BytePath[];
  /** Ends each path with a NUL, which no path holds. */
  readonly paths: string;
  readonly numbers: Float64Array<ArrayBuffer>;
  /** By ordinal, of files that have any. */
  readonly xattrs: ReadonlyMap<number, Metadata["xattrs"]>;
  readonly holes: ReadonlyMap<number, readonly number[]>;
}

/** Of each file: base, kind, size, secret, mode, owner known, uid, gid, seconds, nanoseconds. */
const FIELDS = 10;
const KINDS = ["whole", "part", "finish"] as const;
const NONE: readonly never[] = [];

export function packFiles(files: readonly JobFile[]): PackedFiles {
  const bases: BytePath[] = [];
  const numbers = new Float64Array(files.length * FIELDS);
  const xattrs = new Map<number, Metadata["xattrs"]>();
  const holes = new Map<number, readonly number[]>();
  let paths = "";
  for (const [n, file] of files.entries()) {
    const { base, path, metadata } = file;
    let nth = bases.indexOf(base);
    if (nth < 0) nth = bases.push(base) - 1;
    paths += `${path}\0`;
    numbers.set(
      [
        nth,
        KINDS.indexOf(file.kind),
        file.size,
        Number(file.secret),
        metadata.mode,
        Number(metadata.owner !== null),
        metadata.owner?.uid ?? 0,
        metadata.owner?.gid ?? 0,
        metadata.mtime.seconds,
        metadata.mtime.nanoseconds,
      ],
      n * FIELDS,
    );
    if (metadata.xattrs.length > 0) xattrs.set(n, metadata.xattrs);
    if (file.holes.length > 0) holes.set(n, file.holes);
  }
  return { bases, paths, numbers, xattrs, holes };
}

export function unpackFiles({ bases, paths, numbers, xattrs, holes }: PackedFiles): JobFile[] {
  const names = paths.split("\0") as BytePath[];
  names.pop();
  return names.map((path, n) => {
    const number = (field: number) => numbers[n * FIELDS + field] ?? 0;
    const base = bases[number(0)];
    const kind = KINDS[number(1)];
    if (base === undefined || kind === undefined) throw new RangeError(`file ${n} of a job is malformed`);
    return {
      base,
      path,
      kind,
      size: number(2),
      secret: number(3) === 1,
      metadata: {
        mode: number(4),
        owner: number(5) === 1 ? { uid: number(6), gid: number(7) } : null,
        mtime: { seconds: number(8), nanoseconds: number(9) },
        xattrs: xattrs.get(n) ?? NONE,
      },
      holes: holes.get(n) ?? NONE,
    };
  });
}
