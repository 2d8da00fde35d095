import { makeProfile } from "./make.ts";
import { foldersIn, plural } from "./search.ts";
import type { FolderView } from "./types.ts";

/** File names of LevelDB (leveldb/db/filename.cc; goleveldb/leveldb/storage): numbers grow and are never used again. */
const TABLE = /^(\d{1,20})\.(?:ldb|sst)$/;
const LOG = /^(\d{1,20})\.log$/;
const MANIFEST = /^MANIFEST-\d{1,20}$/;

const no = () => false;

/**
 * LevelDB in any folder below the root, told by CURRENT and a MANIFEST. Tables numbered below the smallest log are
 * immutable. A table above it may not be in the MANIFEST yet: replaying that log at the next open can write the same
 * number again, truncating the file in place. Where no log is there the rule has nothing to stand on, and all is copied.
 * Everything else (log, MANIFEST, CURRENT and its backup, LOG, LOCK) is rewritten or appended to in place.
 */
export const leveldb = makeProfile({
  name: "leveldb",
  summary: "folders of LevelDB (also goleveldb): finished tables are linked, the rest is copied",
  about:
    "LevelDB and goleveldb, in any folders below the roots, each told by a CURRENT and a MANIFEST. Proven on LevelDB 1.23 " +
    "(classic-level), and on goleveldb for what it does to files when it starts.",
  rules: [
    {
      files: "*.ldb, *.sst numbered below the smallest *.log",
      mutability: "immutable",
      why: "a finished table is never written again, and its number is never used again",
      of(folder) {
        const bound = isDatabase(folder) ? smallestLog(folder) : null;
        return bound === null ? no : (name) => isBelow(name, bound);
      },
    },
    {
      files: "*.ldb, *.sst numbered above it, or where there is no *.log",
      mutability: "mutable",
      why: "the MANIFEST may not know them yet: replaying the log at the next start can write the same number again, in place",
      of: () => (name) => TABLE.test(name),
    },
  ],
  folders: [],
  stopping: [
    "The lock is on LOCK in each folder (flock by goleveldb, fcntl by LevelDB): while a process holds one, nothing is frozen.",
  ],
  height: null,
  identity: [],
  place: [],
  after: ["LevelDB replays its log when the node starts, and says in LOG what it found."],
  discover(look, roots) {
    let databases = 0;
    for (const met of foldersIn(look, roots)) if (isDatabase(met) && !isRocksdb(met)) databases += 1;
    return databases === 0
      ? null
      : { found: `LevelDB, ${plural(databases, "database")}`, version: null, elsewhere: [] };
  },
});

function isDatabase({ files }: Pick<FolderView, "files">): boolean {
  return files.includes("CURRENT") && files.some((name) => MANIFEST.test(name));
}

/** RocksDB came from LevelDB, and writes down its options beside what they have in common. */
function isRocksdb({ files }: Pick<FolderView, "files">): boolean {
  return files.some((name) => /^OPTIONS-\d{1,20}$/.test(name));
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
