import { leveldb } from "./leveldb.ts";
import { makeProfile } from "./make.ts";
import { foldersIn, plural } from "./search.ts";
import type { CaptureRule, FolderView, Look, RootView } from "./types.ts";

/** A chain's folder is called by its id, 24 bits in hexadecimal (goloop/chain: Config.CID). */
const CHAIN = /^[0-9a-f]{1,6}$/;
/** Bits of `role` in a chain's config.json (goloop/module: RoleSeed is 1, RoleValidator 2). */
const VALIDATOR = 2;
/** config.json has some twenty settings. */
const MAX_CONFIG = 64 << 10;
/** Beside the chains' folders, or in the one of a root that is a chain's: what is data of goloop's own. */
const KNOWN = new Set(["auth.json", "config.json", "genesis.zip", "rconfig.json"]);

const no = () => false;
const byName = (pattern: RegExp) => () => (name: string) => pattern.test(name);

const KEYS: CaptureRule = {
  files: "*keystore*, *keysecret*, ks*.json, *.pem, *.key, *.p12, *.so",
  mutability: "omitted",
  why: "the validator's key, its password and key plug-ins never leave their host",
  of: byName(/keystore|keysecret|^ks.*\.json$|\.(?:pem|key|p12|so)$/i),
};

/** Where a chain lies below a root, whose node_dir may be the root or a folder of it. */
const inChain = (name: string) => (path: string) =>
  path === name || (path.endsWith(`/${name}`) && CHAIN.test(path.split("/").at(-2) ?? ""));

export const goloop = makeProfile({
  name: "goloop",
  summary:
    "goloop (ICON 2): all chains below node_dir, heights by channel; a validator is not restored to old votes unasked",
  about:
    "A node of ICON 2 and other chains of goloop. The root is its node_dir, or the folder of one chain in it. All chains are " +
    'captured, or those that `chains` of the configuration names: chains: ["0xbf62b4"]. Databases of goleveldb are known, ' +
    "others are copied, but for tables of RocksDB that are older than its log. Proven on goloop 1.3.11 with goleveldb, one validator " +
    "that makes a block a second. Not with db_type rocksdb: on the RocksDB that Debian packages such a node of goloop ends itself at " +
    "its next start, by an assertion of RocksDB's, whether it was backed up or not.",
  rules: [
    KEYS,
    {
      files: "everything beside the chains but auth.json, rconfig.json",
      mutability: "omitted",
      why: "no data of goloop's: a saved server configuration holds the validator's key, the rest are logs",
      of: (folder) => (folder.path === "" && !isDatabase(folder) ? (name) => !KNOWN.has(name) : no),
    },
    {
      files: "wal/*",
      mutability: "mutable",
      why: "proposals, votes and locks: appended to, and cut back in place where a start finds its end torn",
      of: ({ path }) => (inChain("wal")(path) ? () => true : no),
    },
    ...leveldb.rules,
  ],
  folders: [
    { folder: "<chain>/cache/", why: "a cache of nodes of the state, filled anew", matches: inChain("cache") },
    { folder: "<chain>/tmp/", why: "what pruning and resets are working on", matches: inChain("tmp") },
    {
      folder: "backup/",
      why: "goloop's own backups: the same data once more",
      matches: (path) => path === "backup",
    },
  ],
  stopping: [
    "goloop takes no notice of SIGTERM and ends as by a kill, in some 20 ms. Stop its chains first, which ends their part in consensus " +
      "in order: `goloop chain -s <node_sock> stop <cid>` for each, as the hook before_stop or in the stop command.",
    "A stopped chain keeps its database open until the process ends: stop the process as well.",
    "Chains that were joined with --auto_start start with the process; start others by the hook after_start, `goloop chain -s <node_sock> start <cid>`. " +
      "So does a chain that before_stop has stopped where the process was not stopped then.",
    "The lock is on LOCK in each chain's database (flock): while a process holds it, nothing is frozen.",
  ],
  height: { url: "http://127.0.0.1:9080/admin/chain", channels: { list: "", by: "channel", field: "height" } },
  identity: [
    { what: "keystore and its password", rule: "never captured: bring your own to the host that is restored to" },
    {
      what: "the addresses of p2p and rpc",
      rule: "are in no file of a chain but the seed's: give them to `goloop server start`",
    },
  ],
  place: ["Nothing is renamed: a chain's folder has no address in its name."],
  after: [
    "`GET /admin/chain` says `started` for each chain, and its height goes on from that of the snapshot.",
    "`icx_getBlockByHeight` gives the same hashes as any other node of the network.",
  ],
  signing: {
    record: "<chain>/wal: what it proposed, voted for and locked on",
    why:
      "a validator that does not know what it has signed since may sign another block at the same height and round, " +
      "which is double signing",
    todo:
      "where the network went on without it, wait until it is well above all heights at which this key signed; else start it as a " +
      "citizen (`goloop chain config <cid> role 0`), let it catch up, then give it its role back",
    signs: (look, roots) =>
      rolesIn(look, roots).reduce<boolean | null>((all, role) => all === true || isSigner(role), null),
  },
  chains: { isFolder: (path) => CHAIN.test(path), folderOf: (chain) => chain.toLowerCase().replace(/^0x/, "") },
  discover(look, roots) {
    const chains = [...chainsIn(look, roots)].map(({ folder }) => `0x${folder.slice(folder.lastIndexOf("/") + 1)}`);
    if (chains.length === 0) return null;
    return {
      found: `goloop, ${plural(chains.length, "chain")}: ${chains.sort().join(", ")}`,
      version: null,
      elsewhere: [],
    };
  },
});

function isDatabase({ files }: FolderView): boolean {
  return files.includes("CURRENT");
}

function* chainsIn(look: Look, roots: readonly RootView[]): Generator<{ readonly folder: string }> {
  for (const { folder, files } of foldersIn(look, roots)) {
    if (files.includes("config.json") && files.includes("genesis.zip")) yield { folder };
  }
}

/** The roles of the chains in these folders; null for one that cannot be read. */
function rolesIn(look: Look, roots: readonly RootView[]): (number | null)[] {
  return [...chainsIn(look, roots)].map(({ folder }) => {
    const found = /"role"\s*:\s*(\d{1,3})\b/.exec(look.read(`${folder}/config.json`, MAX_CONFIG) ?? "")?.[1];
    return found === undefined ? null : Number(found);
  });
}

/** Whether a chain of this role is voted in; what cannot be told counts. */
function isSigner(role: number | null): boolean {
  return role === null || (role & VALIDATOR) !== 0;
}
