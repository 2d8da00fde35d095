import { makeProfile } from "./make.ts";
import { foldersIn, plural } from "./search.ts";
import type { FolderView } from "./types.ts";

/** LocalLog of Kafka: segments and their indexes, named by the first offset in them. */
const SEGMENT = /^(\d{20})\.log$/;

export const kafka = makeProfile({
  name: "kafka",
  summary: "Kafka, as the orderers of Fabric 1.4 use it: finished segments are linked, the rest is copied",
  about:
    "A broker of Kafka, as the ordering service of Fabric 1.4 has it, or one in KRaft mode with its controller: log.dirs " +
    "(/tmp/kafka-logs), and metadata.log.dir where it is apart, are the roots. How many messages a topic has had is a height that " +
    "Kafka's own tool tells: height: { command: \"kafka-get-offsets.sh --bootstrap-server 127.0.0.1:9092 --topic mychannel | " +
    "awk -F: '{ n += $3 } END { print n }'\" }. Orderers must be older than Kafka or as old: the first of a group's order are " +
    "they, then Kafka, then ZooKeeper. Proven on Kafka 3.9, in KRaft mode and on " +
    "ZooKeeper, there also under an orderer of Fabric 2.5, which can still order by it.",
  rules: [
    {
      files: "*.deleted, *.cleaned",
      mutability: "omitted",
      why: "what retention has thrown away, and what compaction had not finished: Kafka removes both when it starts",
      of: () => (name) => /\.(?:deleted|cleaned)$/.test(name),
    },
    {
      files: "<offset>.log, but the one of the highest offset in its folder",
      mutability: "immutable",
      why: "a segment that was rolled is never written again",
      of(folder) {
        const active = activeSegment(folder);
        return (name) => SEGMENT.test(name) && numberOf(name) < active;
      },
    },
    {
      files: "<offset>.log of the highest offset, *.index, *.timeindex, *.snapshot, checkpoints",
      mutability: "mutable",
      why: "written in place; indexes are allocated ahead, and made anew after an unclean end",
      of: () => (name) => SEGMENT.test(name) || /\.(?:index|timeindex|txnindex|snapshot)$|checkpoint/.test(name),
    },
  ],
  folders: [],
  stopping: [
    "Of a cluster only one may be down at a time: back the brokers up one by one, with min.insync.replicas met by the others.",
  ],
  height: null,
  identity: [
    {
      what: "meta.properties (broker.id or node.id, cluster.id, directory.id)",
      rule: "restored as it was: put it back on the very broker it came from",
    },
    {
      what: "__cluster_metadata-0/quorum-state, in KRaft mode",
      rule: "restored as it was, with the vote it holds: of several controllers put back only one at a time, while the others run",
    },
  ],
  place: [],
  after: [
    "Where it is on ZooKeeper, start that first. An orderer says in its log from which offset of its channel's topic it goes on.",
  ],
  discover(look, roots) {
    let partitions = 0;
    let isKafka = false;
    let isKraft = false;
    for (const { files, folder } of foldersIn(look, roots)) {
      isKafka ||= files.includes("meta.properties");
      if (!files.some((name) => SEGMENT.test(name))) continue;
      if (folder.endsWith("/__cluster_metadata-0")) isKraft = true;
      else partitions += 1;
    }
    const mode = isKraft ? " in KRaft mode" : "";
    return isKafka ? { found: `Kafka${mode}, ${plural(partitions, "partition")}`, version: null, elsewhere: [] } : null;
  },
});

function activeSegment({ files }: FolderView): bigint {
  return files.reduce((active, name) => {
    const number = SEGMENT.test(name) ? numberOf(name) : -1n;
    return number > active ? number : active;
  }, -1n);
}

function numberOf(name: string): bigint {
  return BigInt(SEGMENT.exec(name)?.[1] ?? 0);
}
