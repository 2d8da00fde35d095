export {
  iconArchiveLine,
  iconArchiveName,
  isInIconArchive,
  notIcon,
  parseIconArchiveName,
  readIconArchive,
  withBackupLine,
} from "./icon-archive.ts";
export { listRocksdbBackups, type RocksdbBackup, stageRocksdbBackup, writeRocksdbBackup } from "./rocksdb-backup.ts";
export { walWrites } from "./rocksdb-wal.ts";
export { type TarItem, tarBytes } from "./tar.ts";
