import { makeProfile } from "./make.ts";
import { foldersIn, plural } from "./search.ts";
import type { FolderView } from "./types.ts";

/** LocalLog of Kafka: segments and their indexes, named by the first offset in them. */
const SEGMENT = /^(\d{20})\.log$/;

export const kafka = makeProfile({
  name: "kafka",
  summary: "Kafka, as the orderers of Fabric 1.4 use it: finished segments are linked, the rest is copied",
  about:
    "A broker of Kafka, as the ordering service of Fabric 1.4 has it: log.dirs (/tmp/kafka-logs) are the roots. Tested by the names of " +
    "its layout. Orderers must be older than Kafka or as old: the first of a group's order are they, then Kafka, then ZooKeeper.",
  rules: [
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
    { what: "meta.properties (broker.id)", rule: "restored as it was: put it back on the very broker it came from" },
  ],
  place: [],
  after: ["Start ZooKeeper first. An orderer says in its log from which offset of its channel's topic it goes on."],
  discover(look, roots) {
    let partitions = 0;
    let isKafka = false;
    for (const { files } of foldersIn(look, roots)) {
      isKafka ||= files.includes("meta.properties");
      if (files.some((name) => SEGMENT.test(name))) partitions += 1;
    }
    return isKafka ? { found: `Kafka, ${plural(partitions, "partition")}`, version: null, elsewhere: [] } : null;
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
