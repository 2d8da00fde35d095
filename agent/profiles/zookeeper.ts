import { makeProfile } from "./make.ts";
import { foldersIn, plural } from "./search.ts";

/** FileTxnLog and FileSnap of ZooKeeper: named by the first transaction in them, in hex. */
const LOG = /^log\.([0-9a-f]{1,16})$/;
const SNAPSHOT = /^snapshot\.([0-9a-f]{1,16})(?:\.snappy|\.gz)?$/;

export const zookeeper = makeProfile({
  name: "zookeeper",
  summary: "ZooKeeper: finished logs and snapshots are linked, the newest ones copied",
  about:
    "ZooKeeper 3.4 and newer, as the ensemble of a Fabric 1.4 with Kafka has it: dataDir (/data) is a root, and dataLogDir (/datalog) " +
    "another one where it is apart. Its last transaction is the height, by its AdminServer (3.5 and newer), which listens on port 8080 " +
    "where nothing else is configured. Proven on ZooKeeper 3.8.",
  rules: [
    {
      files: "log.<zxid>, but the two newest",
      mutability: "immutable",
      why: "a log that was rolled is never written again",
      of({ files }) {
        const newest = newestOf(files, LOG, 2);
        return (name) => LOG.test(name) && !newest.includes(name);
      },
    },
    {
      files: "log.<zxid>, the two newest",
      mutability: "mutable",
      why: "allocated 64 MiB ahead and written in place; what a leader did not commit a start cuts off, maybe from the one before, too",
      of: () => (name) => LOG.test(name),
    },
    {
      files: "snapshot.<zxid>, but the newest",
      mutability: "immutable",
      why: "a start writes the one of its last transaction, and none that is older",
      of({ files }) {
        const newest = newestOf(files, SNAPSHOT, 1);
        return (name) => SNAPSHOT.test(name) && !newest.includes(name);
      },
    },
    {
      files: "snapshot.<zxid>, the newest",
      mutability: "mutable",
      why: "a start may write one of the same name anew, in place",
      of: () => (name) => SNAPSHOT.test(name),
    },
  ],
  folders: [],
  stopping: ["Of an ensemble only one may be down at a time, else Kafka stops: back the servers up one by one."],
  height: { url: "http://127.0.0.1:8080/commands/stats", field: "server_stats.last_processed_zxid" },
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

/** The names of the highest transactions among those of a pattern. */
function newestOf(files: readonly string[], pattern: RegExp, count: number): readonly string[] {
  const zxids = files.flatMap((name) => {
    const zxid = pattern.exec(name)?.[1];
    return zxid === undefined ? [] : [{ name, zxid: BigInt(`0x${zxid}`) }];
  });
  zxids.sort((a, b) => (a.zxid < b.zxid ? 1 : -1));
  return zxids.slice(0, count).map(({ name }) => name);
}
