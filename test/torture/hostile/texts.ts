/** Texts that people or other programs write, with the words that mean something to whoever reads them. */

export const PROFILES = ["leveldb", "files", "chainmaker"];

export const CONFIG = `version: 1
vault: file:///backup/vault
vault_id: AAECAwQFBgcICQoLDA0ODw
encrypt_key: /etc/coldkeep/key
watch: { max_age: 2d }
nodes:
  demo:
    profile: leveldb
    roots:
      data: /srv/demo
    service:
      manager: command
      stop: systemctl stop demo
      start: [systemctl, start, demo]
      is_running: systemctl is-active demo
    height: { url: "http://127.0.0.1:9000/h", field: 0.height }
    tiers: { keep_daily: 7 }
`;

export const CONFIG_WORDS = [
  "*a",
  "&a",
  "<<: *a",
  "!!binary aGk=",
  "!!js/function x",
  "null",
  "~",
  "[[[[",
  "{a: {b: {c: ",
  "- ",
  "? ",
  ": ",
  "|",
  ">-",
  "'",
  '"\\u0000"',
  "\t",
  "9".repeat(400),
  "1e999",
  ".inf",
  "0x",
  "2026-01-01",
  "__proto__: 1",
  "constructor: {}",
  "../../etc",
  "s3://b/p",
  "keys:",
  "identities: [hsm:x]",
  'windows: ["Mon 25:00-26:00"]',
  "timezone: Mars/Base",
  "manager: systemd",
  "%YAML 9.9",
  "---",
  "...",
  "\u2028",
  "\ufeff",
];

export const CHAINMAKER = `blockchain:
  - chainId: chain1
    genesis: ../config/org1/chainconfig/bc1.yml
node:
  pkcs11: { enabled: true, library: /usr/lib/x.so, label: HSM, password: "11111111", session_cache_size: 10 }
storage:
  store_path: ../data/org1/ledgerData1
  disable_block_file_db: false
  block_store_tmp_path: ../tmp/org1
  encryptor: sm4
  encrypt_key: "1234567890123456"
  blockdb_config:
    provider: leveldb
    leveldb_config: { store_path: ../data/org1/block }
  statedb_config:
    provider: sql
    sqldb_config: { sqldb_type: mysql, dsn: "root:pw@tcp(127.0.0.1:3306)/" }
  historydb_config:
    provider: badgerdb
    badgerdb_config: { store_path: ../data/org1/history }
`;

export const CHAINMAKER_WORDS = [
  ...CONFIG_WORDS,
  "provider: tikvdb",
  "store_path: /",
  "store_path: ..",
  "encryptor: aes",
  "[]",
  "{}",
];

export const META = `schema_version 2.1
1795866266
5
metadata 61626364
4
shared_checksum/000028_sJDTKC9S8APPB784B5I4D_1029.sst crc32 1372105864 size 1029
private/1/MANIFEST-000037 crc32 1857101508
private/1/CURRENT crc32 1393830465
shared/000011.log crc32 1 size 0
`;

export const META_WORDS = [
  "..",
  "/",
  ".",
  "shared/.",
  "private/1/..",
  "private/99999999999/CURRENT",
  "shared/../../etc/passwd crc32 1",
  "\u0000",
  "crc32 4294967296",
  "size -1",
  "9".repeat(30),
  "1e3",
  "private/1/CURRENT crc32 1",
  "metadata 0",
  "schema_version 3",
  "\r",
  " ",
  "x".repeat(300),
];
