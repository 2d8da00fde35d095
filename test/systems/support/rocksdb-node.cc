// A node over a real RocksDB, for test/systems/rocksdb.test.ts.
//
//   rocksdb-node write <folder> [<until>]   writes block after block till SIGTERM, or up to a height; then closes
//   rocksdb-node dump <folder>              prints every key and value, a line each, read-only
//   rocksdb-node restore <folder> <backups> <id>   by BackupEngine, which verifies checksums first
//
// With BASE in the environment the WAL is in BASE/wal, tables in BASE/tables, and those of the second column family in
// BASE/more. With ARCHIVE all stays in memory until the end, and logs that are not needed any more are kept. Block n is written under key n * 7919 % 5003, so that tables are compacted all the time, and "height"
// becomes n + 1 in the same batch; what a database of height n holds can be computed. <folder>.stops gets its height at each
// end in order.
#include <rocksdb/db.h>
#include <rocksdb/utilities/backup_engine.h>
#include <rocksdb/write_batch.h>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

using namespace rocksdb;

static volatile sig_atomic_t stopped = 0;

static void must(const Status& status) {
  if (status.ok()) return;
  std::cerr << status.ToString() << std::endl;
  exit(1);
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string mode = argv[1], folder = argv[2];
  if (mode == "restore") {
    if (argc < 5) return 2;
    BackupEngine* engine = nullptr;
    must(BackupEngine::Open(BackupEngineOptions(argv[3]), Env::Default(), &engine));
    const BackupID id = std::stoul(argv[4]);
    must(engine->VerifyBackup(id, true));
    must(engine->RestoreDBFromBackup(id, folder, folder));
    delete engine;
    return 0;
  }
  const long until = argc > 3 ? std::stol(argv[3]) : -1;
  std::signal(SIGTERM, [](int) { stopped = 1; });

  Options options;
  options.create_if_missing = options.create_missing_column_families = true;
  options.write_buffer_size = 64 << 10;
  options.level0_file_num_compaction_trigger = 2;
  options.enable_blob_files = true;
  options.min_blob_size = 600;
  if (std::getenv("ARCHIVE") != nullptr) {
    options.write_buffer_size = 64 << 20;
    options.WAL_ttl_seconds = 3600;
  }
  ColumnFamilyOptions more(options);
  if (const char* base = std::getenv("BASE")) {
    const std::string at = base;
    options.wal_dir = at + "/wal";
    options.db_paths = {{at + "/tables", 1 << 30}};
    more.cf_paths = {{at + "/more", 1 << 30}};
  }
  const std::vector<ColumnFamilyDescriptor> families = {{kDefaultColumnFamilyName, ColumnFamilyOptions(options)},
                                                        {"more", more}};
  std::vector<ColumnFamilyHandle*> handles;
  DB* db = nullptr;

  if (mode == "dump") {
    must(DB::OpenForReadOnly(options, folder, families, &handles, &db));
    for (auto* handle : handles) {
      std::unique_ptr<Iterator> at(db->NewIterator(ReadOptions(), handle));
      for (at->SeekToFirst(); at->Valid(); at->Next())
        std::cout << handle->GetName() << ' ' << at->key().ToString() << ' ' << at->value().ToString() << '\n';
      must(at->status());
    }
  } else {
    must(DB::Open(options, folder, families, &handles, &db));
    std::string height;
    const Status found = db->Get(ReadOptions(), handles[0], "height", &height);
    if (!found.IsNotFound()) must(found);
    long n = height.empty() ? 0 : std::stol(height);
    std::ofstream(folder + ".pid") << getpid();
    for (; !stopped && n != until; ++n) {
      WriteBatch batch;
      const std::string key = "key" + std::to_string(n * 7919 % 5003);
      batch.Put(handles[n % 2], key, std::to_string(n) + std::string(n % 3 == 0 ? 700 : 90, 'x'));
      batch.Put(handles[0], "height", std::to_string(n + 1));
      must(db->Write(WriteOptions(), &batch));
    }
    std::ofstream(folder + ".stops", std::ios::app) << n << '\n';
  }
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  delete db;
  if (mode == "write") std::remove((folder + ".pid").c_str());
  return 0;
}
