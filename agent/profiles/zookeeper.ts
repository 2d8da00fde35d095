import { makeProfile } from "./make.ts";
import { foldersIn, plural } from "./search.ts";
import type { FolderView } from "./types.ts";

/** FileTxnLog and FileSnap of ZooKeeper: named by the first transaction in them, in hex. */
const LOG = /^log\.([0-9a-f]{1,16})$/;
const SNAPSHOT = /^snapshot\.[0-9a-f]{1,16}(?:\.snappy|\.gz)?$/;

export const zookeeper = makeProfile({
  name: "zookeeper",
  summary: "ZooKeeper: snapshots and finished logs are linked, the newest log is copied",
  about:
    "ZooKeeper 3.4 and newer, as the ensemble of a Fabric 1.4 with Kafka has it: dataDir (/data) is a root, and dataLogDir (/datalog) " +
    "another one where it is apart. Tested by the names of its layout.",
  rules: [
    {
      files: "log.<zxid>, but the newest",
      mutability: "immutable",
      why: "a log that was rolled is never written again",
      of(folder) {
        const newest = newestLog(folder);
        return (name) => LOG.test(name) && zxidOf(name) < newest;
      },
    },
    {
      files: "log.<zxid>, the newest",
      mutability: "mutable",
      why: "allocated 64 MiB ahead and written in place",
      of: () => (name) => LOG.test(name),
    },
    {
      files: "snapshot.<zxid>",
      mutability: "mutable",
      why: "a start may write one of the same name anew",
      of: () => (name) => SNAPSHOT.test(name),
    },
  ],
  folders: [],
  stopping: ["Of an ensemble only one may be down at a time, else Kafka stops: back the servers up one by one."],
  height: null,
  identity: [{ what: "myid", rule: "restored as it was: put it back on the very server it came from" }],
  place: [],
  after: [
    "`echo srvr | nc 127.0.0.1 2181` tells its Zxid and mode. Start ZooKeeper before Kafka, Kafka before the orderers.",
  ],
  discover(look, roots) {
    let logs = 0;
    for (const { path, folder, files } of foldersIn(look, roots)) {
      if (/(?:^|\/)version-2$/.test(path) || folder.endsWith("/version-2"))
        logs += files.filter((name) => LOG.test(name) || SNAPSHOT.test(name)).length;
    }
    return logs === 0
      ? null
      : { found: `ZooKeeper, ${plural(logs, "log")} and snapshots`, version: null, elsewhere: [] };
  },
});

function newestLog({ files }: FolderView): bigint {
  return files.reduce((newest, name) => {
    const zxid = LOG.test(name) ? zxidOf(name) : -1n;
    return zxid > newest ? zxid : newest;
  }, -1n);
}

function zxidOf(name: string): bigint {
  return BigInt(`0x${LOG.exec(name)?.[1] ?? "0"}`);
}
