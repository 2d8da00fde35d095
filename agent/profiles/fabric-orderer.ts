import { channelsIn, FABRIC_DATABASES, FABRIC_RULES, foldersOf } from "./fabric-blocks.ts";
import { makeProfile } from "./make.ts";
import { foldersIn, plural } from "./search.ts";

export const fabricOrderer = makeProfile({
  name: "fabric-orderer",
  summary:
    "Hyperledger Fabric orderer (raft, or Kafka's of 1.4): finished block files are linked, raft's log is copied",
  about:
    "An orderer of Hyperledger Fabric: /var/hyperledger/production/orderer is the root. With raft (2.x) `etcdraft/` is a must, above " +
    "all for the only consenter of a channel; an orderer of Kafka (1.4) has none, and is backed up in one group with Kafka and " +
    "ZooKeeper. Do not restore one consenter of several while the others are alive: it would have forgotten what it agreed to. Take " +
    "it out of the channel (osnadmin channel remove) and let it join anew; it gets every block from the others. Proven on an " +
    "orderer of 2.5, the only consenter, and on one that orders by Kafka, as under 1.4.",
  rules: [
    ...FABRIC_RULES,
    {
      files: "etcdraft/wal/<channel>/*",
      mutability: "mutable",
      why: "raft's log: a segment has all its 64 MB from the beginning, and is written over in place",
      of:
        ({ path }) =>
        () =>
          /(?:^|\/)etcdraft\/wal\//.test(`${path}/`),
    },
    {
      files: "etcdraft/snapshot/<channel>/*",
      mutability: "mutable",
      why: "raft's snapshots: few and small",
      of:
        ({ path }) =>
        () =>
          /(?:^|\/)etcdraft\/snapshot\//.test(`${path}/`),
    },
    ...FABRIC_DATABASES,
  ],
  folders: [],
  lean: [foldersOf("index/", /^(?:orderer\/)?index$/, "made anew from the blocks when the orderer starts")],
  stopping: [
    "An orderer ends in about two seconds. Where it is the only consenter nothing is ordered meanwhile; clients try again.",
    "Of several consenters only one may be down at a time: back them up one by one.",
  ],
  height: {
    url: "http://127.0.0.1:9443/participation/v1/channels",
    channels: { list: "channels", by: "name", follow: "url", field: "height" },
  },
  identity: [
    {
      what: "the MSP and TLS keys (/etc/hyperledger/fabric)",
      rule: "outside of the root, and so not captured: keep them with the configuration. Where they are named as a root, private keys are secret. A consenter is known by its TLS certificate: restore it under the same one",
    },
  ],
  place: ["Empty folders are part of it (pendingops/): they are restored as well."],
  after: [
    "Its heights go on from those of the snapshot: GET /participation/v1/channels/<channel> of the admin endpoint, or osnadmin channel list --channelID <channel>. Start it before its peers; no peer may be higher than it.",
  ],
  discover(look, roots) {
    const channels = channelsIn(look, roots, /(?<!\/ledgersData\/chains)\/chains$/);
    let raft = false;
    for (const { path } of foldersIn(look, roots)) raft ||= /(?:^|\/)etcdraft$/.test(path);
    if (channels.length === 0 && !raft) return null;
    const layout = raft ? "raft" : "no raft: Kafka's or solo";
    const joined =
      channels.length === 0 ? "no channel yet" : `${plural(channels.length, "channel")}: ${channels.join(", ")}`;
    return { found: `Hyperledger Fabric orderer (${layout}), ${joined}`, version: null, elsewhere: [] };
  },
});
