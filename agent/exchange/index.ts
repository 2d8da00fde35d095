export { iconArchiveName, parseIconArchiveName, readIconArchive, writeIconArchive } from "./icon-archive.ts";
export { listRocksdbBackups, type RocksdbBackup, stageRocksdbBackup, writeRocksdbBackup } from "./rocksdb-backup.ts";
