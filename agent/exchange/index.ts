export {
  listRocksdbBackups,
  type RocksdbBackup,
  stageRocksdbBackup,
  type WrittenBackup,
  writeRocksdbBackup,
} from "./rocksdb-backup.ts";
