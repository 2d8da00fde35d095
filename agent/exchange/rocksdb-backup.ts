import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fsyncFolder, writeFileDurable } from "../../posix/durable.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";
import { crc32c } from "./crc32c.ts";
import { type BackedUpFile, type MetaFile, parseMetaFile, renderMetaFile } from "./meta-file.ts";

/** One backup in a directory of RocksDB's BackupEngine. */
export interface RocksdbBackup extends MetaFile {
  readonly id: number;
}

/** A meta file names each table: a database with a million of them stays below this. */
const MAX_META = 256 << 20;

/**
 * The backups in a directory, oldest first. Nothing is believed yet but that their meta files can be read.
 * @throws ColdkeepError `not-found` where it is no such directory; `integrity` for a meta file that cannot be read.
 */
export function listRocksdbBackups(dir: string, only?: readonly number[]): RocksdbBackup[] {
  const meta = join(dir, "meta");
  const ids = idsIn(meta).filter((id) => only === undefined || only.includes(id));
  const absent = only?.find((id) => !ids.includes(id));
  if (absent !== undefined || ids.length === 0) {
    throw new ColdkeepError("not-found", {
      what: absent === undefined ? "there is no backup of RocksDB's BackupEngine" : `there is no backup ${absent}`,
      on: dir,
      why: `${meta} holds ${ids.length === 0 ? "none" : ids.join(", ")}`,
      todo: "name the folder that `ldb backup --backup_dir` wrote to",
    });
  }
  return ids.map((id) => {
    const path = join(meta, String(id));
    const { size } = statSync(path);
    if (size > MAX_META) {
      throw new ColdkeepError("integrity", { what: "a meta file is too large", on: path, why: `${size} bytes` });
    }
    return { id, ...parseMetaFile(readFileSync(path, "latin1"), path) };
  });
}

function idsIn(meta: string): number[] {
  try {
    const names = readdirSync(meta).filter((name) => /^[1-9]\d{0,9}$/.test(name));
    return names.map(Number).sort((a, b) => a - b);
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
    throw fromSystemError(error, { what: "cannot read a backup directory", on: meta, otherwise: "internal" });
  }
}

/**
 * Lays a backup out as the database it was, in folders that do not exist yet: WAL files into `wal`, all else into `data`.
 * By hard links where both lie on one file system, so that tables of several backups stay one file. Every byte is
 * compared with its checksum.
 * @throws ColdkeepError `integrity` for a file that is missing or is not what its checksum says.
 */
export function stageRocksdbBackup(dir: string, backup: RocksdbBackup, to: { data: string; wal: string }): void {
  mkdirSync(to.data, { recursive: true, mode: 0o700 });
  mkdirSync(to.wal, { recursive: true, mode: 0o700 });
  for (const file of backup.files) {
    const from = join(dir, file.path);
    checkFile(from, file, backup.id);
    const target = join(/\.log$/.test(file.name) ? to.wal : to.data, file.name);
    linkOrCopy(from, target);
  }
}

function checkFile(path: string, { size, crc }: BackedUpFile, id: number): void {
  const damaged = (why: string) =>
    new ColdkeepError("integrity", {
      what: `backup ${id} is damaged`,
      on: path,
      why,
      todo: "leave this backup out: --only takes the ids of those that are wanted",
    });
  const info = statSync(path, { throwIfNoEntry: false });
  if (info?.isFile() !== true) throw damaged("the file is missing");
  // The name of a shared table ends with its size, too.
  const named = /_(\d+)\.[a-z]+$/.exec(basename(path))?.[1];
  const expected = size ?? (named === undefined ? null : Number(named));
  if (expected !== null && info.size !== expected) throw damaged(`it has ${info.size} bytes, not ${expected}`);
  if (crc === null) return;
  const found = checksumOf(path);
  if (found !== crc) throw damaged(`its checksum is ${found}, not ${crc}`);
}

const PIECE = 4 << 20;

function checksumOf(path: string): number {
  const buffer = Buffer.allocUnsafe(PIECE);
  const fd = openSync(path, "r");
  try {
    let crc = 0;
    for (;;) {
      const got = readSync(fd, buffer, 0, PIECE, null);
      if (got === 0) return crc;
      crc = crc32c(buffer.subarray(0, got), crc);
    }
  } finally {
    closeSync(fd);
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!["EXDEV", "EPERM", "EMLINK", "EACCES", "ENOTSUP"].includes(systemCode(error) ?? "")) throw error;
    copyFileSync(from, to);
  }
}

export interface WrittenBackup {
  readonly id: number;
  readonly files: number;
  /** Tables that the directory had already. */
  readonly shared: number;
}

/**
 * Adds a database that lies in `folders` as a backup to a directory of BackupEngine's, made where there is none. The
 * database's files are moved, so they must lie on the directory's file system. Its meta file comes last: what is cut off
 * before is no backup.
 * @param timestamp seconds since the epoch
 * @param metadata the application's own words, as BackupEngine keeps them
 * @throws ColdkeepError `refused` for two files of one name, or where there is no database.
 */
export function writeRocksdbBackup(
  dir: string,
  folders: readonly string[],
  timestamp: number,
  metadata: Buffer | null,
): WrittenBackup {
  const files = folders.flatMap((folder) => filesIn(folder));
  assertDatabase(files.map((path) => basename(path)));
  const meta = join(dir, "meta");
  for (const name of ["meta", "private", "shared_checksum"]) mkdirSync(join(dir, name), { recursive: true });
  const id = Math.max(0, ...idsIn(meta), ...idsIn(join(dir, "private"))) + 1;
  mkdirSync(join(dir, "private", String(id)));
  let shared = 0;
  const rows = files.map((from): BackedUpFile => {
    const name = basename(from);
    const crc = checksumOf(from);
    const { size } = statSync(from);
    const table = /^(\d+)\.(sst|blob)$/.exec(name);
    const path = table === null ? `private/${id}/${name}` : `shared_checksum/${table[1]}_${crc}_${size}.${table[2]}`;
    const to = join(dir, path);
    // Number, checksum and size are the same: it is the same table.
    if (table !== null && existsSync(to)) shared += 1;
    else renameSync(from, to);
    return { path, name, crc, size };
  });
  // CURRENT is the last one that BackupEngine copies back: before it a restore is none.
  const ordered = [...rows.filter(({ name }) => name !== "CURRENT"), ...rows.filter(({ name }) => name === "CURRENT")];
  for (const name of ["shared_checksum", join("private", String(id)), "private"]) fsyncFolder(join(dir, name));
  const text = renderMetaFile({ timestamp, sequence: "0", metadata, files: ordered });
  writeFileDurable(join(meta, String(id)), Buffer.from(text));
  writeLatest(dir, id);
  return { id, files: rows.length, shared };
}

/** Old versions look here first; newer ones read meta/. */
function writeLatest(dir: string, id: number): void {
  if (existsSync(join(dir, "LATEST_BACKUP"))) writeFileSync(join(dir, "LATEST_BACKUP"), `${id}\n`);
}

/** What a database is made of; its lock and messages are no part of a backup. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^(?:LOCK|IDENTITY|LOG(?:\.old\.\d+)?)$/.test(entry.name))
    .map(({ name }) => join(folder, name));
}

function assertDatabase(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined && names.includes("CURRENT")) return;
  throw new ColdkeepError("refused", {
    what: "this snapshot is no single database of RocksDB",
    why: twice === undefined ? "there is no CURRENT at the top of its roots" : `${twice} is there twice`,
    todo: "a BackupEngine directory holds one database; restore with --to, and use `ldb backup` on each",
  });
}
