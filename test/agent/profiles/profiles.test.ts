import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { captureSetOf, discoverAll, profileNames, profileOf } from "../../../agent/profiles/index.ts";
import type { Look, Mutability } from "../../../agent/profiles/types.ts";

const classesOf = (profile: string, path: string, files: readonly string[], globs = {}) =>
  Object.fromEntries(
    captureSetOf(profile, globs)
      .classify({ path, files })
      .map((rule, i) => [files[i], rule.mutability]),
  ) as Record<string, Mutability>;

/** A host that has these folders, with plain files in them, and the folders above. */
function lookAt(folders: Readonly<Record<string, readonly string[]>>): Look {
  return {
    list(folder) {
      const inside = Object.keys(folders).flatMap((path) =>
        path.startsWith(`${folder}/`) ? [`${path.slice(folder.length + 1).split("/")[0]}/`] : [],
      );
      const files = folders[folder];
      return files === undefined && inside.length === 0 ? null : [...(files ?? []), ...new Set(inside)];
    },
    read: () => null,
  };
}

const FILES = ["CURRENT", "MANIFEST-000012", "LOCK", "LOG", "LOG.old", "CURRENT.bak", "000099.dbtmp"];

describe("profile leveldb", () => {
  it("links tables numbered below the smallest log, and copies everything else", () => {
    const tables = ["000005.ldb", "000010.sst", "000011.ldb", "000012.ldb", "000014.ldb"];
    const classes = classesOf("leveldb", "db", [...FILES, "000011.log", "000013.log", ...tables]);
    expect(Object.keys(classes).filter((name) => classes[name] === "immutable")).toEqual(["000005.ldb", "000010.sst"]);
    expect(Object.values(classes)).not.toContain("omitted");
  });

  it("copies all tables where there is no log", () => {
    const classes = classesOf("leveldb", "", [...FILES, "000005.ldb"]);
    expect(new Set(Object.values(classes))).toEqual(new Set(["mutable"]));
  });

  it("takes a folder without CURRENT or MANIFEST for no database", () => {
    for (const missing of ["CURRENT", "MANIFEST-000012"]) {
      const files = [...FILES, "000020.log", "000005.ldb"].filter((name) => name !== missing);
      expect(classesOf("leveldb", "", files)["000005.ldb"]).toBe("mutable");
    }
  });

  it("compares numbers, not texts, and takes no lookalikes", () => {
    const files = [...FILES, "1000000.log", "999999.ldb", "2000000.ldb", "1.ldb.bak", "x1.ldb", "1.ldb\n", "-1.ldb"];
    const classes = classesOf("leveldb", "", files);
    expect(Object.keys(classes).filter((name) => classes[name] === "immutable")).toEqual(["999999.ldb"]);
    const huge = classesOf("leveldb", "", [...FILES, "9007199254740993.log", "9007199254740992.ldb"]);
    expect(huge["9007199254740992.ldb"]).toBe("immutable");
  });

  it("agrees with the model: no table that replaying a log could write again is ever linked", () => {
    const number = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(fc.uniqueArray(number), fc.uniqueArray(number), (logs, tables) => {
        const files = [...FILES, ...logs.map((n) => `${pad(n)}.log`), ...tables.map((n) => `${pad(n)}.ldb`)];
        const classes = classesOf("leveldb", "a/b", files);
        for (const n of tables) {
          // A log is replayed into tables of numbers that were not used when the log was begun.
          const safe = logs.length > 0 && logs.every((log) => n < log);
          expect(classes[`${pad(n)}.ldb`]).toBe(safe ? "immutable" : "mutable");
        }
        for (const n of logs) expect(classes[`${pad(n)}.log`]).toBe("mutable");
      }),
    );
  });
});

describe("profile rocksdb", () => {
  it("links tables and blobs, leaves messages out, and copies everything else", () => {
    const classes = captureSetOf("rocksdb").classify({
      path: "db",
      files: [
        "000012.sst",
        "000013.blob",
        "LOG",
        "LOG.old.1795866266316594",
        "000007.dbtmp",
        "000031.log",
        "MANIFEST-000032",
        "x.sst",
        "000012.sst.bak",
      ],
    });
    expect(classes.map(({ mutability }) => mutability)).toEqual([
      ...["immutable", "immutable", "omitted", "omitted", "omitted", "mutable", "mutable", "mutable", "mutable"],
    ]);
    expect(classes[2]?.why).toMatch(/begun anew at each start/);
  });

  it("finds out which folders a database uses beside its own, and is not taken for LevelDB", () => {
    const files = ["CURRENT", "MANIFEST-000032", "OPTIONS-000007", "OPTIONS-000034", "000012.sst"];
    const texts: Record<string, string> = {
      "/srv/db/OPTIONS-000034": "[Version]\n  rocksdb_version=7.8.3\n\n[DBOptions]\n  wal_dir=/mnt/wal/\n",
      "/srv/db/OPTIONS-000007": "  wal_dir=/old\n",
      "/srv/db/LOG":
        "x SST files in /mnt/t1 dir, Total Num: 3, files: 1.sst\nx SST files in /srv/db/inside dir, Total Num: 0, files:\n",
    };
    const look = { ...lookAt({ "/srv/db": files }), read: (file: string) => texts[file] ?? null };
    const [best, second] = discoverAll(look, [{ name: "data", path: "/srv/db" }]);
    expect([best?.profile.name, second?.profile.name]).toEqual(["rocksdb", "files"]);
    expect(best?.finding).toEqual({
      found: "RocksDB 7.8.3, 1 database",
      version: "7.8.3",
      elsewhere: [
        { name: "wal", path: "/mnt/wal", why: "it is the wal_dir of /srv/db" },
        { name: "tables2", path: "/mnt/t1", why: "it is one of the db_paths of /srv/db" },
      ],
    });
    texts["/srv/db/OPTIONS-000034"] = "garbage";
    const [unknown] = discoverAll(look, [{ name: "data", path: "/srv/db" }]);
    expect([unknown?.finding.version, unknown?.finding.notes]).toEqual([
      null,
      [expect.stringMatching(/version is not known/)],
    ]);
    const roots = ["/srv/db", "/mnt"].map((path, i) => ({ name: `r${i}`, path }));
    expect(discoverAll(look, roots)[0]?.finding.elsewhere).toEqual([]);
  });
});

describe("profile goloop", () => {
  const CONFIG = (role: number) => `{ "nid": 1, "role": ${role}, "db_type": "goleveldb" }`;
  const hostOf = (roles: Readonly<Record<string, number>>): Look => {
    const folders = Object.fromEntries(Object.keys(roles).map((cid) => [`/n/${cid}`, ["config.json", "genesis.zip"]]));
    return {
      ...lookAt({ "/n": ["rconfig.json"], ...folders }),
      read: (file) => CONFIG(roles[file.split("/")[2] ?? ""] ?? 0),
    };
  };
  const roots = [{ name: "data", path: "/n" }];

  it("captures chains, copies their WAL, and leaves out keys, caches and what is no data of goloop's", () => {
    const top = ["rconfig.json", "auth.json", "server.json", "keystore.json", "goloop.log"];
    expect(Object.values(classesOf("goloop", "", top))).toEqual([
      "mutable",
      "mutable",
      "omitted",
      "omitted",
      "omitted",
    ]);
    expect(Object.values(classesOf("goloop", "bf62b4/wal", ["round_0", "lock_12"]))).toEqual(["mutable", "mutable"]);
    const tables = ["000005.ldb", "000009.ldb", "000007.log"];
    expect(classesOf("goloop", "bf62b4/db/bf62b4", [...FILES, ...tables])).toMatchObject({
      "000005.ldb": "immutable",
      "000009.ldb": "mutable",
      "CURRENT.bak": "mutable",
    });
    for (const [name, class_] of [
      ["ks.json", "omitted"],
      ["my_KeyStore", "omitted"],
      ["genesis.zip", "mutable"],
    ])
      expect(classesOf("goloop", "bf62b4", [name ?? ""])[name ?? ""]).toBe(class_);
    const { omitFolder } = captureSetOf("goloop");
    const left = ["bf62b4/cache", "bf62b4/tmp", "node/bf62b4/tmp", "cache", "backup", "bf62b4/contract/tmp", "tmpx"];
    expect(left.filter((path) => omitFolder(path) !== null)).toEqual(left.slice(0, 5));
  });

  it("captures those chains alone that the configuration names, however it writes them", () => {
    for (const chain of ["0xbf62b4", "bf62b4", "0xBF62B4"]) {
      const { omitFolder } = captureSetOf("goloop", {}, { chains: [chain] });
      expect([omitFolder("bf62b4"), omitFolder("bf62b4/db/bf62b4"), omitFolder("contract")]).toEqual([
        null,
        null,
        null,
      ]);
      expect(omitFolder("395be9")).toBe("a chain that the configuration does not name");
    }
    expect(() => captureSetOf("leveldb", {}, { chains: ["0x1"] })).toThrow(/this profile knows none/);
  });

  it("is found with its chains; it signs where one of them has the validator's bit in its role, or none can be told", () => {
    const [best] = discoverAll(hostOf({ bf62b4: 3, "395be9": 0 }), roots);
    expect([best?.profile.name, best?.finding.found]).toEqual(["goloop", "goloop, 2 chains: 0x395be9, 0xbf62b4"]);
    const signs = (look: Look) => best?.profile.signing?.signs(look, roots);
    expect(signs(hostOf({ bf62b4: 0, "395be9": 3 }))).toBe(true);
    expect(signs(hostOf({ bf62b4: 0, "395be9": 1 }))).toBe(false);
    expect(signs({ ...hostOf({ bf62b4: 0 }), read: () => null })).toBe(true);
    expect(signs(lookAt({}))).toBeNull();
  });
});

describe("profile badger", () => {
  it("knows a database by its MANIFEST's first bytes, and copies all of it", () => {
    const files = ["000001.vlog", "00001.mem", "000001.sst", "MANIFEST", "KEYREGISTRY", "DISCARD", "LOCK"];
    const look = {
      ...lookAt({ "/srv/db": files }),
      read: (file: string) => (file === "/srv/db/MANIFEST" ? "Bdgr" : null),
    };
    const [best] = discoverAll(look, [{ name: "data", path: "/srv/db" }]);
    expect([best?.profile.name, best?.finding.found]).toEqual(["badger", "Badger, 1 database"]);
    expect(discoverAll({ ...look, read: () => "else" }, [{ name: "data", path: "/srv/db" }])[0]?.profile.name).toBe(
      "files",
    );
    expect(new Set(Object.values(classesOf("badger", "", files)))).toEqual(new Set(["mutable"]));
  });
});

describe("profile chainmaker", () => {
  const number = (n: number) => String(n).padStart(20, "0");

  it("links finished block files but the highest, and copies everything else that is no finished table", () => {
    const blocks = [1, 11, 21].map((n) => `${number(n)}.fdb`);
    const classes = classesOf("chainmaker", "chain1/bfdb", [
      ...blocks,
      `${number(31)}.fdb.END`,
      `${number(11)}.idx`,
      "1.fdb",
    ]);
    expect(Object.values(classes)).toEqual(["immutable", "immutable", "mutable", "mutable", "mutable", "mutable"]);
    expect(Object.values(classesOf("chainmaker", "chain1/other", blocks))).not.toContain("immutable");
    expect(classesOf("chainmaker", "certs", ["node.sign.key"])["node.sign.key"]).toBe("omitted");
  });

  it("leaves out what rebuild-dbs has renamed, and nothing else that ends in digits", () => {
    const { omitFolder } = captureSetOf("chainmaker");
    expect(omitFolder("chain1/store_state-1732800000000000000")).toMatch(/rebuild-dbs/);
    expect([omitFolder("chain-1"), omitFolder("chain1/bfdb")]).toEqual([null, null]);
  });

  it("judges an answer in cmc's words and in JSON, and takes what names no Process for no answer", () => {
    const judge = profileOf("chainmaker").judgeQuiet;
    expect(judge?.('{"type":"BFDB","archivePivot":"12","process":"Normal"}')).toEqual({
      quiet: true,
      tags: ["archived-to:12"],
    });
    // JSON of protobuf leaves zeros out.
    expect(judge?.('{"archive_pivot":"3","max_allow_archive_height":"9"}')?.quiet).toBe(true);
    expect(judge?.('{"archivePivot":"3","process":"Restoring"}')).toMatchObject({
      quiet: false,
      why: expect.stringMatching(/Restoring/),
    });
    expect(
      judge?.(
        '{"archivePivot":"9","process":0,"fileRanges":[{"fileName":"a.fdb","end":"4"},{"fileName":"b.fdb","start":"5","end":"8"}]}',
      )?.tags,
    ).toEqual(["archived-to:9", "unmerged:0-4", "unmerged:5-8"]);
    for (const none of ["", "{}", "usage: cmc archive", "ArchivePivot: 0"])
      expect([none, judge?.(none)?.quiet]).toEqual([none, false]);
  });
});

const pad = (n: number) => String(n).padStart(6, "0");

describe("profiles of Fabric and what belongs to it", () => {
  it("link finished block files, pin the last one, copy raft's log, and keep keys apart", () => {
    const blocks = ["blockfile_000000", "blockfile_000009", "blockfile_000010", "blockfile_1000000"];
    for (const profile of ["fabric-peer", "fabric-orderer"]) {
      expect(Object.values(classesOf(profile, "any/chains/chains/ch", blocks))).toEqual([
        ...["immutable", "immutable", "immutable", "append-only"],
      ]);
      const tables = ["CURRENT", "MANIFEST-000002", "000007.log", "000005.ldb", "000008.ldb"];
      expect(Object.values(classesOf(profile, "index", tables)).slice(3)).toEqual(["immutable", "mutable"]);
      const keys = captureSetOf(profile).classify({ path: "msp/keystore", files: ["a1b2", "ab_sk"] });
      expect(keys).toEqual([
        { mutability: "mutable", secret: true },
        { mutability: "mutable", secret: true },
      ]);
      expect(captureSetOf(profile).classify({ path: "tls", files: ["server.key", "ca.crt"] })).toEqual([
        { mutability: "mutable", secret: true },
        { mutability: "mutable" },
      ]);
    }
    // A database that lay among raft's logs would be copied whole as well.
    const wal = ["0000000000000000-0000000000000000.wal", "0.tmp", "CURRENT", "MANIFEST-000002", "000007.log", "1.ldb"];
    expect(new Set(Object.values(classesOf("fabric-orderer", "etcdraft/wal/ch", wal)))).toEqual(new Set(["mutable"]));
    expect(classesOf("fabric-peer", "snapshots/completed/ch/7", ["txids.data"])["txids.data"]).toBe("immutable");
    expect(classesOf("fabric-peer", "snapshots/temp/x", ["txids.data"])["txids.data"]).toBe("mutable");
    expect(classesOf("fabric-peer", "lifecycle/chaincodes", ["cc.1.tar.gz", "x.tmp"])).toEqual({
      "cc.1.tar.gz": "immutable",
      "x.tmp": "mutable",
    });
  });

  it("leave out what the node makes anew where lean is asked for, all of the state or none of it, and nothing else", () => {
    const lean = (profile: string, path: string) => captureSetOf(profile, {}, { lean: true }).omitFolder(path) !== null;
    const state = ["stateLeveldb", "historyLeveldb", "configHistory", "bookkeeper", "chains/index"];
    for (const folder of state) {
      expect([folder, lean("fabric-peer", `ledgersData/${folder}`)]).toEqual([folder, true]);
      expect(captureSetOf("fabric-peer").omitFolder(`ledgersData/${folder}`)).toBeNull();
    }
    for (const folder of ["chains/chains", "chains/chains/index", "ledgerProvider", "pvtdataStore", "fileLock"])
      expect([folder, lean("fabric-peer", `ledgersData/${folder}`)]).toEqual([folder, false]);
    expect(
      ["index", "orderer/index", "chains/index", "chains", "etcdraft"].map((path) => lean("fabric-orderer", path)),
    ).toEqual([true, true, false, false, false]);
    expect(() => captureSetOf("leveldb", {}, { lean: true })).toThrow(/lean: true means nothing here: profile leveldb/);
  });

  it("know CouchDB's, ZooKeeper's and Kafka's files by their names", () => {
    expect(classesOf("couchdb", "shards/00000000-7fffffff", ["ch_.1.couch", "ch_.1.couch.compact.data", "x"])).toEqual({
      "ch_.1.couch": "append-only",
      "ch_.1.couch.compact.data": "omitted",
      x: "mutable",
    });
    expect(captureSetOf("couchdb").omitFolder(".delete")).toMatch(/thrown away/);
    const logs = ["log.1", "log.a", "log.100", "log.ff"];
    const snapshots = ["snapshot.0", "snapshot.9f", "snapshot.fe", "acceptedEpoch"];
    // A start may write the newest snapshot anew, and cut off the end of the newest logs.
    expect(classesOf("zookeeper", "version-2", [...logs, ...snapshots])).toEqual({
      "log.1": "immutable",
      "log.a": "immutable",
      "log.ff": "mutable",
      "log.100": "mutable",
      "snapshot.0": "immutable",
      "snapshot.9f": "immutable",
      "snapshot.fe": "mutable",
      acceptedEpoch: "mutable",
    });
    const [first, second] = [`${"0".repeat(20)}`, `${"9".padStart(20, "0")}`];
    expect(
      classesOf("kafka", "ch-0", [
        ...[`${first}.log`, `${first}.index`, `${second}.log`, "leader-epoch-checkpoint"],
        ...[`${first}.log.deleted`, `${second}.index.cleaned`],
      ]),
    ).toEqual({
      [`${first}.log.deleted`]: "omitted",
      [`${second}.index.cleaned`]: "omitted",
      [`${first}.log`]: "immutable",
      [`${first}.index`]: "mutable",
      [`${second}.log`]: "mutable",
      "leader-epoch-checkpoint": "mutable",
    });
  });

  it("find out which is which, of 1.4 and 2.x", () => {
    const tables = ["CURRENT", "MANIFEST-000002"];
    const look = lookAt({
      "/peer/ledgersData/chains/chains/ch1": ["blockfile_000000"],
      "/peer/ledgersData/chains/chains/ch2": ["blockfile_000000"],
      "/peer/ledgersData/chains/index": tables,
      "/raft/chains/ch1": ["blockfile_000000"],
      "/raft/index": tables,
      "/raft/etcdraft/wal/ch1": ["0-0.wal"],
      "/old/chains/testchainid": ["blockfile_000000"],
      "/old/index": tables,
      "/couch": ["_dbs.couch"],
      "/couch/shards/00000000-ffffffff": ["ch1_.1.couch"],
      "/zoo": ["myid"],
      "/zoo/version-2": ["log.1", "snapshot.0"],
      "/kafka": ["meta.properties"],
      "/kafka/ch1-0": [`${"0".repeat(20)}.log`],
      "/kraft": ["meta.properties", "bootstrap.checkpoint"],
      "/kraft/__cluster_metadata-0": [`${"0".repeat(20)}.log`, "quorum-state"],
      "/kraft/ch1-0": [`${"0".repeat(20)}.log`],
    });
    const found = (path: string) => discoverAll(look, [{ name: "data", path }])[0]?.finding.found;
    expect(found("/peer")).toBe("Hyperledger Fabric peer, 2 channels: ch1, ch2");
    expect(found("/raft")).toBe("Hyperledger Fabric orderer (raft), 1 channel: ch1");
    expect(found("/old")).toBe("Hyperledger Fabric orderer (no raft: Kafka's or solo), 1 channel: testchainid");
    expect(found("/couch")).toBe("CouchDB, 1 shard");
    expect(found("/zoo")).toBe("ZooKeeper, 2 logs and snapshots");
    expect(found("/kafka")).toBe("Kafka, 1 partition");
    expect(found("/kraft")).toBe("Kafka in KRaft mode, 1 partition");
  });
});

describe("globs of the configuration", () => {
  it("win over the profile: exclude, then append_only, then immutable; secret goes with any", () => {
    const globs = {
      immutable: ["blocks/*.dat", "both"],
      append_only: ["both", "grows"],
      exclude: ["cache", "*.tmp"],
      secret: ["keystore/**", "*.key"],
    };
    const profile = captureSetOf("files", globs);
    const [dat, both, grows, tmp, other, key] = profile.classify({
      path: "",
      files: ["1.dat", "both", "grows", "a.tmp", "x", "node.key"],
    });
    expect([dat, both, grows].map((rule) => rule?.mutability)).toEqual(["mutable", "append-only", "append-only"]);
    expect(tmp).toEqual({ mutability: "omitted", why: "excluded by the configuration" });
    expect(other).toEqual({ mutability: "mutable" });
    expect(key).toEqual({ mutability: "mutable", secret: true });
    expect(profile.classify({ path: "blocks", files: ["1.dat"] })[0]?.mutability).toBe("immutable");
    expect(profile.classify({ path: "blocks/a", files: ["1.dat"] })[0]?.mutability).toBe("mutable");
    expect(profile.classify({ path: "keystore/a", files: ["b"] })[0]?.secret).toBe(true);
    expect(profile.omitFolder("cache")).toBe("excluded by the configuration");
    expect(profile.omitFolder("a/cache")).toBe("excluded by the configuration");
    expect(profile.omitFolder("caches")).toBeNull();
    expect(profile.classify({ path: "cache/deep", files: ["x"] })[0]?.mutability).toBe("omitted");
  });

  it("that mean nothing are refused with the glob in the message", () => {
    for (const glob of ["", "/", "a[", "a\\", "[z-a]"]) {
      expect(() => captureSetOf("files", { exclude: [glob] })).toThrow(/cannot read a pattern: "/);
    }
  });
});

describe("profiles", () => {
  it("are known by name; another name is refused with those that are", () => {
    expect(profileNames()).toEqual([
      ...[
        "badger",
        "chainmaker",
        "couchdb",
        "fabric-orderer",
        "fabric-peer",
        "files",
        "goloop",
        "icon",
        "kafka",
        "leveldb",
        "ovn",
        "rocksdb",
        "zookeeper",
      ],
    ]);
    expect(() => captureSetOf("rocksbd")).toThrow(
      /there is no such profile: "rocksbd": known are badger, chainmaker, couchdb, fabric-orderer, fabric-peer, files, goloop, icon, kafka, leveldb, ovn, rocksdb, zookeeper/,
    );
  });

  it("find out what lies in folders, the one that knows most of it first", () => {
    const look = lookAt({
      "/srv/a/db/1": ["CURRENT", "MANIFEST-000002", "000001.ldb"],
      "/srv/a/db/2": ["CURRENT", "MANIFEST-000002"],
      "/srv/b": ["x"],
      "/srv/c": [],
    });
    const found = (path: string) =>
      discoverAll(look, [{ name: "data", path }]).map(({ profile, finding }) => `${profile.name}: ${finding.found}`);
    expect(found("/srv/a")).toEqual(["leveldb: LevelDB, 2 databases", "files: files"]);
    expect(found("/srv/b")).toEqual(["files: files"]);
    expect(found("/srv/c")).toEqual([]);
    expect(found("/srv/absent")).toEqual([]);
  });

  it("of which nothing is known says nothing of a height after a restore", () => {
    expect(profileOf("files").after.join("\n")).not.toMatch(/height/);
  });

  it("class whatever they do not know as mutable", () => {
    expect(captureSetOf("files").classify({ path: "", files: ["a", "000001.ldb"] })).toEqual([
      { mutability: "mutable" },
      { mutability: "mutable" },
    ]);
  });
});
