import type { FileRule, FolderView, Profile } from "./types.ts";

/** File names of LevelDB (leveldb/db/filename.cc; goleveldb/leveldb/storage): numbers grow and are never used again. */
const TABLE = /^(\d{1,20})\.(?:ldb|sst)$/;
const LOG = /^(\d{1,20})\.log$/;
const MANIFEST = /^MANIFEST-\d{1,20}$/;

const MUTABLE: FileRule = { mutability: "mutable" };
const IMMUTABLE: FileRule = { mutability: "immutable" };

/**
 * LevelDB in any folder below the root, told by CURRENT and a MANIFEST. Tables numbered below the smallest log are
 * immutable. A table above it may not be in the MANIFEST yet: replaying that log at the next open can write the same
 * number again, truncating the file in place. Where no log is there the rule has nothing to stand on, and all is copied.
 * Everything else (log, MANIFEST, CURRENT and its backup, LOG, LOCK) is rewritten or appended to in place.
 */
export const leveldb: Profile = {
  name: "leveldb",
  summary: "folders of LevelDB (also goleveldb): finished tables are linked, the rest is copied",
  omitFolder: () => null,
  classify(folder: FolderView) {
    const bound = isDatabase(folder) ? smallestLog(folder) : null;
    return folder.files.map((name) => (bound !== null && isBelow(name, bound) ? IMMUTABLE : MUTABLE));
  },
};

function isDatabase({ files }: FolderView): boolean {
  return files.includes("CURRENT") && files.some((name) => MANIFEST.test(name));
}

function smallestLog({ files }: FolderView): bigint | null {
  let smallest: bigint | null = null;
  for (const name of files) {
    const digits = LOG.exec(name)?.[1];
    if (digits === undefined) continue;
    const number = BigInt(digits);
    if (smallest === null || number < smallest) smallest = number;
  }
  return smallest;
}

function isBelow(name: string, bound: bigint): boolean {
  const digits = TABLE.exec(name)?.[1];
  return digits !== undefined && BigInt(digits) < bound;
}
