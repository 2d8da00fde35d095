import { makeProfile } from "./make.ts";
import { foldersIn, plural } from "./search.ts";
import type { Look, RootView } from "./types.ts";

/** File names of RocksDB (file/filename.cc). */
const TABLE = /^\d{1,20}\.(?:sst|blob)$/;
const INFO_LOG = /^LOG(?:\.old\.\d+)?$/;
const TEMPORARY = /^\d{1,20}\.dbtmp$/;
const MANIFEST = /^MANIFEST-\d{1,20}$/;
const OPTIONS = /^OPTIONS-(\d{1,20})$/;

const named = (pattern: RegExp) => () => (name: string) => pattern.test(name);

export const rocksdb = makeProfile({
  name: "rocksdb",
  summary: "RocksDB: tables and blobs are linked, MANIFEST, WAL and the rest copied; wal_dir and db_paths are found",
  about:
    "RocksDB in any folders below the roots, each told by a CURRENT, a MANIFEST and an OPTIONS. Where a database keeps its WAL " +
    "(`wal_dir`) or tables (`db_paths`) in other folders, each of these is a root of its own: wal_dir is read from the newest " +
    "OPTIONS file, db_paths from the beginning of LOG, and a backup is refused while one of them is in no root. RocksDB writes " +
    "nowhere what `cf_paths` are: name them as roots yourself. What `BackupEngine` calls flush_before_backup is not needed, as " +
    "the WAL is captured; destroy_old_data (all earlier backups go when the engine is opened) is refused: what a node has " +
    "ends by `node delete` alone, after a question. What else BackupEngine's users know: " +
    "`verify` (VerifyBackup: names, sizes and digests; with --read-data every byte), keep_last in the tiers with `forget` and `gc` " +
    "(PurgeOldBackups, GarbageCollect), `restore` of an id or the latest, `backup --meta` (app metadata), " +
    "`forget <id>` (DeleteBackup: it expires, and `gc` takes it once its grace is over). There are as many threads as the machine has " +
    "cores, or as `limits: { cpu }` says (max_background_operations), and all is synced, always: sync has nothing to set. A restore brings the " +
    "snapshot's own WAL; with --keep-logs (keep_log_files) that of the node goes on top of it, from wal_dir and its archive, where it " +
    "proves that no write between the two is missing, as with WAL_ttl_seconds: else it is refused. A table whose content changed under its name and size aborts the run. " +
    "Proven on RocksDB 7.8.",
  rules: [
    {
      files: "*.sst, *.blob",
      mutability: "immutable",
      why: "a table or blob file is never written again once it is finished, and a restart takes numbers above all that are there",
      of: named(TABLE),
    },
    {
      files: "LOG, LOG.old.*",
      mutability: "omitted",
      why: "RocksDB's own log of messages: begun anew at each start, and no part of BackupEngine's backups either",
      of: named(INFO_LOG),
    },
    {
      files: "*.dbtmp",
      mutability: "omitted",
      why: "what a start that was cut off left behind; RocksDB removes it",
      of: named(TEMPORARY),
    },
    {
      files: "*.log",
      mutability: "mutable",
      why: "the WAL: appended to, and with recycle_log_file_num written over in place",
      of: named(/^\d{1,20}\.log$/),
    },
    {
      files: "MANIFEST-*, CURRENT, OPTIONS-*, IDENTITY, LOCK",
      mutability: "mutable",
      why: "appended to or replaced at each start",
      of: named(/^(?:MANIFEST-\d+|CURRENT|OPTIONS-\d+|IDENTITY|LOCK)$/),
    },
  ],
  folders: [],
  namesLast: true,
  stopping: ["RocksDB holds a POSIX lock on LOCK in its folder: while a process has it, nothing is frozen."],
  height: null,
  identity: [
    { what: "IDENTITY", rule: "the database's own id: restored as it was, as a restored database is the same one" },
  ],
  place: ["Roots can be restored to other folders; then open the database with wal_dir and db_paths that say so."],
  after: ["`ldb --db=<folder> checkconsistency` compares the tables there are with those the MANIFEST names."],
  discover(look, roots) {
    let databases = 0;
    let version: string | null = null;
    const elsewhere = new Map<string, { readonly name: string; readonly path: string; readonly why: string }>();
    for (const { folder, files } of foldersIn(look, roots)) {
      if (!files.includes("CURRENT") || !files.some((name) => MANIFEST.test(name))) continue;
      const options = newestOptions(files);
      if (options === null) continue;
      databases += 1;
      const text = look.read(`${folder}/${options}`, MAX_OPTIONS) ?? "";
      version ??= /^\s*rocksdb_version=([\d.]+)/m.exec(text)?.[1] ?? null;
      for (const place of placesOf(look, folder, text)) {
        if (place.path !== folder && !roots.some(({ path }) => isIn(place.path, path))) {
          elsewhere.set(place.path, { ...place, name: freeName(place.name, roots, elsewhere.size) });
        }
      }
    }
    if (databases === 0) return null;
    const found = `RocksDB${version === null ? "" : ` ${version}`}, ${plural(databases, "database")}`;
    const notes =
      version === null ? [`its version is not known, as its OPTIONS file tells none; proven is ${PROVEN}`] : [];
    return { found, version, elsewhere: [...elsewhere.values()], ...(notes.length === 0 ? {} : { notes }) };
  },
});

const PROVEN = "RocksDB 7.8";
const MAX_OPTIONS = 1 << 20;
/** The beginning of LOG, written at each start, says where tables lie (db/db_info_dumper.cc). */
const MAX_LOG = 256 << 10;

function newestOptions(files: readonly string[]): string | null {
  const numbered = files.flatMap((name) => {
    const digits = OPTIONS.exec(name)?.[1];
    return digits === undefined ? [] : [{ name, number: BigInt(digits) }];
  });
  return (
    numbered.reduce<(typeof numbered)[number] | null>(
      (best, next) => (best === null || next.number > best.number ? next : best),
      null,
    )?.name ?? null
  );
}

/** Other folders that a database says it uses. */
function* placesOf(look: Look, folder: string, options: string): Generator<RootView & { readonly why: string }> {
  const wal = /^\s*wal_dir=(.+?)\/?\s*$/m.exec(options)?.[1];
  if (wal?.startsWith("/") === true) yield { name: "wal", path: wal, why: `it is the wal_dir of ${folder}` };
  const log = look.read(`${folder}/LOG`, MAX_LOG) ?? "";
  for (const [, path] of log.matchAll(/ SST files in (\/.*?)\/? dir, Total Num: /g)) {
    if (path !== undefined) yield { name: "tables", path, why: `it is one of the db_paths of ${folder}` };
  }
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function freeName(name: string, roots: readonly RootView[], count: number): string {
  return count === 0 && !roots.some((root) => root.name === name) ? name : `${name}${count + 1}`;
}
