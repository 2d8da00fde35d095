import { channelsIn, FABRIC_DATABASES, FABRIC_RULES, foldersOf } from "./fabric-blocks.ts";
import { makeProfile } from "./make.ts";
import { plural } from "./search.ts";

const REMOVE_CHAINCODE =
  "The containers of chaincode are to be removed before it starts, so before the restore, or after one with --no-start: docker ps -aq --filter name=dev-peer | xargs -r docker rm -f";

export const fabricPeer = makeProfile({
  name: "fabric-peer",
  summary: "Hyperledger Fabric peer: finished block files and tables are linked, the last block file by its length",
  about:
    "A peer of Hyperledger Fabric, 1.4 and 2.x: /var/hyperledger/production is the root. Its state lies there in LevelDB, or in " +
    "CouchDB, which is a node of its own (profile `couchdb`) in one group with the peer. Do not restore a peer that others can " +
    "give its blocks: join an empty one to its channels, and it gets every block from the orderers, and private data from other " +
    "peers of its organization. What only a backup holds is private data no other peer has any more, and the time that this takes. " +
    "Proven on a peer of 2.5 with LevelDB; the layout of 1.4 is the same in these folders, and was tested by its names.",
  rules: [
    ...FABRIC_RULES,
    {
      files: "below chaincodes/ and snapshots/completed/",
      mutability: "immutable",
      why: "packages of chaincode and finished snapshots of channels are written once, under names of their own",
      of:
        ({ path }) =>
        (name) =>
          !name.endsWith(".tmp") && /(?:^|\/)(?:chaincodes|snapshots\/completed(?:\/.*)?)$/.test(path),
    },
    ...FABRIC_DATABASES,
  ],
  folders: [],
  lean: [
    foldersOf("stateLeveldb/", /(?:^|\/)stateLeveldb$/, "made anew from the blocks when the peer starts"),
    foldersOf("historyLeveldb/", /(?:^|\/)historyLeveldb$/, "made anew from the blocks when the peer starts"),
    foldersOf(
      "configHistory/, bookkeeper/",
      /(?:^|\/)(?:configHistory|bookkeeper)$/,
      "they go with the state: made anew together, as by `peer node rebuild-dbs`",
    ),
    foldersOf(
      "chains/index/",
      /(?<!(?:^|\/)chains\/)(?<=^|\/)chains\/index$/,
      "made anew from the blocks when the peer starts",
    ),
  ],
  stopping: [
    "A peer ends in about a second; it is endorsing until then, so clients should have another one to ask.",
    "Its chaincode runs on in containers of their own (dev-peer…), which keep nothing: a start finds them or makes them anew.",
    "`peer node rollback`, `reset` and `rebuild-dbs` write into finished block files or drop databases: not while a backup runs.",
    "`lean: true` is for peers whose channels began at block 0: one that joined by a snapshot cannot make its databases anew.",
  ],
  height: {
    url: "http://127.0.0.1:9443/metrics",
    channels: { metric: "ledger_blockchain_height", by: "channel" },
  },
  group: [
    {
      notNewerThan: "fabric-orderer",
      why: "a peer that has blocks its orderers lack would see them order others of the same numbers",
    },
  ],
  identity: [
    {
      what: "the MSP and TLS keys (/etc/hyperledger/fabric)",
      rule: "outside of the root, and so not captured: keep them with the configuration. Where they are named as a root, private keys are secret",
    },
  ],
  place: [
    "Containers of chaincode (dev-peer…) may be newer than what is restored: remove them, and the first call makes them anew. With `remove_chaincode: true`, or the beginning of this peer's where the host has several (`remove_chaincode: dev-peer0.org1`), a restore in place does that itself where docker or compose drives the peer, once its question is answered.",
    "With CouchDB, restore it with the peer, from the same group: never one that is newer than the peer's ledger.",
  ],
  containers: { prefix: "dev-peer", what: "containers of chaincode", byHand: REMOVE_CHAINCODE },
  after: [
    REMOVE_CHAINCODE,
    "Its heights go on from those of the snapshot: http://127.0.0.1:9443/metrics, ledger_blockchain_height. Where private data is missing, each block waits up to 60 s for it (peer.gossip.pvtData.pullRetryThreshold): allow that for every block it has to catch up.",
    'The first call of a chaincode takes as long as its container takes to build. A query must give what it gave before; where no chaincode runs: peer chaincode query -C <channel> -n qscc -c \'{"Args":["GetChainInfo","<channel>"]}\'.',
  ],
  discover(look, roots) {
    const channels = channelsIn(look, roots, /(?:^|\/)ledgersData\/chains\/chains$/);
    const isPeer =
      channels.length > 0 ||
      roots.some(({ path }) => (look.list(path) ?? []).includes("ledgersData/") || path.endsWith("/ledgersData"));
    if (!isPeer) return null;
    const joined =
      channels.length === 0 ? "no channel yet" : `${plural(channels.length, "channel")}: ${channels.join(", ")}`;
    return { found: `Hyperledger Fabric peer, ${joined}`, version: null, elsewhere: [] };
  },
});
