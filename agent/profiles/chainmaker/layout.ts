import type { Look, ProfileSettings, Refusal, RootView } from "../types.ts";

/** What chainmaker.yml says of a node's data (localconf's StorageConfig, store/conf). */
export interface Layout {
  readonly chains: readonly string[];
  /** Folders that hold data, `store` first; each path once, none inside another. */
  readonly stores: readonly Store[];
  readonly refusals: readonly Refusal[];
  readonly notes: readonly string[];
  readonly bfdb: boolean;
  /** Absolute; where the live `.END` lies, and finished block files until they are moved. */
  readonly tmpPath: string | null;
  /** Absolute. */
  readonly storePath: string | null;
  /** A file that the node reads its key from at its start, and empties. */
  readonly keyFile: string | null;
  /** All databases there are, are LevelDB. */
  readonly leveldbOnly: boolean;
}

interface Store extends RootView {
  /** For which keys of the file: "store_path", "statedb_config". */
  readonly of: readonly string[];
  /** False: rebuild-dbs makes it anew from the rest. */
  readonly needed: boolean;
}

/** The databases, what they are called as a root, whether a lean backup needs them, and what switches them off. */
const DATABASES = [
  { key: "blockdb_config", name: "block", needed: true, off: null },
  { key: "statedb_config", name: "state", needed: false, off: null },
  { key: "historydb_config", name: "history", needed: false, off: "disable_historydb" },
  { key: "resultdb_config", name: "result", needed: false, off: "disable_resultdb" },
  { key: "contract_eventdb_config", name: "event", needed: false, off: "disable_contract_eventdb" },
  { key: "txexistdb_config", name: "txexist", needed: false, off: null },
] as const;

const PROVIDERS = "leveldb, badgerdb, tikvdb, sql, sqlkv";
/** What the store takes for `sql` as well (conf.DbConfig.IsSqlDB). */
const SQL = ["sql", "sqlkv", "sqldb", "mysql", "rdbms"];

/** Whether this is a chainmaker.yml at all. */
export function isChainmaker(yaml: unknown): boolean {
  return at(yaml, "storage") !== undefined && Array.isArray(at(yaml, "blockchain"));
}

/** @param yaml the parsed file. */
export function layoutOf(look: Look, yaml: unknown, file: string, { runDir }: Pick<ProfileSettings, "runDir">): Layout {
  const base = runDir ?? startFolder(look, file);
  const storage = at(yaml, "storage");
  const refusals: Refusal[] = [];
  const found: { path: string; name: string; of: string; needed: boolean }[] = [];
  const add = (name: string, of: string, needed: boolean, text: string) =>
    void found.push({ name, of, needed, path: resolvePath(base, text) });

  const storeText = textAt(storage, "store_path");
  if (storeText === undefined) {
    refusals.push({
      what: "storage.store_path is missing",
      on: file,
      todo: "correct the file: the node needs it, too",
    });
  } else add("store", "store_path", true, storeText);
  const tmpText = textAt(storage, "block_store_tmp_path");
  // The store's own default, for the sake of files of version 2.1.
  const bfdb = isFalse(at(storage, "disable_block_file_db"));
  if (tmpText !== undefined && bfdb) add("tmp", "block_store_tmp_path", true, tmpText);

  let leveldbOnly = true;
  for (const { key, name, needed, off } of DATABASES) {
    const section = at(storage, key);
    if ((off !== null && isTrue(at(storage, off))) || section === undefined || section === null) continue;
    const provider = (textAt(section, "provider") ?? "").toLowerCase();
    if (provider !== "leveldb") leveldbOnly = false;
    const on = `${file} storage.${key}`;
    if (provider === "leveldb" || provider === "badgerdb") {
      const path = textAt(at(section, `${provider}_config`), "store_path");
      if (path !== undefined) add(name, key, needed, path);
      else refusals.push({ what: `${provider}_config.store_path is missing`, on, todo: "correct the file" });
    } else if (provider === "tikvdb")
      refusals.push(elsewhere(on, "TiKV", textAt(at(section, "tikvdb_config"), "endpoints")));
    else if (provider === "memdb")
      refusals.push({ ...elsewhere(on, "memory", undefined), why: "it is lost with each stop" });
    else if (SQL.includes(provider)) {
      const sql = at(section, "sqldb_config");
      const type = (textAt(sql, "sqldb_type") ?? "").toLowerCase();
      const dsn = textAt(sql, "dsn") ?? "";
      const path = type === "sqlite" ? sqlitePath(look, base, dsn) : null;
      if (path === null)
        refusals.push(elsewhere(on, type === "sqlite" ? "memory" : type || "a SQL server", hostOf(dsn)));
      else add(name, key, needed, path);
    } else {
      const what = `provider ${JSON.stringify(provider.slice(0, 40))} of a database is not known`;
      refusals.push({ what, on, why: `known are ${PROVIDERS}`, todo: "correct the file, or ask for a newer coldkeep" });
    }
  }
  return {
    chains: chainsOf(yaml),
    stores: distinct(look, found),
    refusals,
    notes: notesOf(storage),
    bfdb,
    tmpPath: found.find(({ name }) => name === "tmp")?.path ?? null,
    storePath: found.find(({ name }) => name === "store")?.path ?? null,
    keyFile: keyFileOf(yaml),
    leveldbOnly,
  };
}

function elsewhere(on: string, where: string, address: string | undefined): Refusal {
  return {
    what: `a database lies in ${where}${address === undefined ? "" : ` (${address})`}, which no backup of this host's files holds`,
    on,
    why: "a restored node would meet the state of another height there",
    todo: "back it up by its own means, at the same height, and say so: external: acknowledged",
    external: true,
  };
}

/** Each folder once, and none that lies in another. What is not there holds nothing yet; only the store must be. */
function distinct(look: Look, found: readonly (RootView & { of: string; needed: boolean })[]): Store[] {
  const stores: Store[] = [];
  for (const { name, path, of, needed } of found) {
    if (name !== "store" && look.list(path) === null) continue;
    const same = stores.findIndex((store) => isIn(path, store.path));
    const old = stores[same];
    if (old === undefined) stores.push({ name, path, of: [of], needed });
    else stores[same] = { ...old, of: [...old.of, of], needed: old.needed || needed };
  }
  return stores.filter(({ path }) => !stores.some((other) => other.path !== path && isIn(path, other.path)));
}

/** The folder the node is started in: its scripts do that from `bin`, beside `config` and `data`. */
function startFolder(look: Look, file: string): string {
  for (let folder = parentOf(file); folder !== ""; folder = parentOf(folder)) {
    if (look.list(`${folder}/bin`) !== null) return `${folder}/bin`;
  }
  return parentOf(file);
}

/** Where a database of SQLite lies on this host: its folder; null for one in memory. */
function sqlitePath(look: Look, base: string, dsn: string): string | null {
  const text = dsn.replace(/^file:/, "").replace(/\?.*$/s, "");
  if (text === "" || text.includes(":memory:")) return null;
  const path = resolvePath(base, text);
  return look.list(path) === null ? parentOf(path) : path;
}

/** `user:password@tcp(host:port)/name`: the host alone. */
function hostOf(dsn: string): string | undefined {
  return /@\w*\(?([\w.:[\]-]+)\)?(?:\/|$)/.exec(dsn)?.[1];
}

function notesOf(storage: unknown): string[] {
  if (!isTrue(at(storage, "enable_bigfilter"))) return [];
  const host = textAt(at(storage, "bigfilter_config"), "redis_hosts_port");
  return [`the filter of transactions lies in Redis${host === undefined ? "" : ` (${host})`}: external, not captured`];
}

function keyFileOf(yaml: unknown): string | null {
  const key = textAt(at(yaml, "storage"), "encrypt_key");
  const isInToken = isTrue(at(at(at(yaml, "node"), "pkcs11"), "enabled"));
  if ((textAt(at(yaml, "storage"), "encryptor") ?? "") === "" || isInToken) return null;
  return key?.startsWith("/") === true ? key : null;
}

function chainsOf(yaml: unknown): string[] {
  const list = at(yaml, "blockchain");
  return Array.isArray(list) ? list.flatMap((chain) => textAt(chain, "chainId") ?? []) : [];
}

export function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function textAt(value: unknown, key: string): string | undefined {
  const found = at(value, key);
  return (typeof found === "string" && found !== "") || typeof found === "number" ? String(found) : undefined;
}

const isTrue = (value: unknown) => value === true || value === "true";
const isFalse = (value: unknown) => value === false || value === "false";

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** An absolute path without `.`, `..` and a slash at its end. */
function resolvePath(base: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${base}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
