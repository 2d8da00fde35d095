import { judgeArchive } from "./chainmaker/archive.ts";
import { blockFilesIn, finishedNumber } from "./chainmaker/blocks.ts";
import { isChainmaker, isIn, type Layout, layoutOf } from "./chainmaker/layout.ts";
import { leveldb } from "./leveldb.ts";
import { makeProfile } from "./make.ts";
import { foldersIn, plural } from "./search.ts";
import type { CaptureRule, Finding, Look, ProfileSettings, Refusal, RootView } from "./types.ts";

const CONFIG = "chainmaker.yml";
const byName = (pattern: RegExp) => () => (name: string) => pattern.test(name);

const RULES: readonly CaptureRule[] = [
  {
    files: "*.key, *.pem, *.p12",
    mutability: "omitted",
    why: "the node's private keys never leave their host",
    of: byName(/\.(?:key|pem|p12)$/i),
  },
  {
    files: "bfdb/*.fdb, all but the highest",
    mutability: "immutable",
    why: "a finished block file is never written again; the highest may be one that is still being moved there",
    of({ path, files }) {
      if (!isBlockFolder(path)) return () => false;
      const highest = files.reduce<bigint>((most, name) => max(most, finishedNumber(name) ?? -1n), -1n);
      return (name) => {
        const number = finishedNumber(name);
        return number !== null && number < highest;
      };
    },
  },
  {
    files: "bfdb/*.fdb.END, the highest *.fdb",
    mutability: "mutable",
    why: "blocks are appended to it, and a start may cut its end off, in place",
    of: ({ path }) => (isBlockFolder(path) ? (name) => /\.fdb(?:\.END)?$/.test(name) : () => false),
  },
  ...leveldb.rules,
];

export const chainmaker = makeProfile({
  name: "chainmaker",
  summary:
    "ChainMaker: what chainmaker.yml names; finished block files are linked, backed up only while nothing is archived",
  about:
    "A node of ChainMaker 2.x, of one chain or several. Where its data lies is read from its chainmaker.yml (`system_config`): " +
    "store_path, block_store_tmp_path, and the store_path of each database on LevelDB or BadgerDB, or the file of one on SQLite. " +
    "`coldkeep init --root config=<folder of chainmaker.yml>` finds them and writes each down as a root; the folder of " +
    "chainmaker.yml itself is none, since it holds the node's keys: keep it by your own means. A database in TiKV, MySQL " +
    "or another SQL server is named, and no backup is made until the configuration says `external: acknowledged`. " +
    "`archive_status` is the command that asks how archiving stands, such as `cmc archive query chain-archived-status`; a backup is made only " +
    "while its Process is Normal, and how far blocks are archived stands in the snapshot's tags. ChainMaker itself could not be " +
    "had where this was tested: a small node over its engines (goleveldb, tidwall/wal, Badger, block files as it writes them) was " +
    "backed up while it wrote, and each engine read what was restored; a stand-in answered for node and cmc; where COLDKEEP_TEST_CHAINMAKER names the folder of a real node that is stopped, a copy of that is backed up and restored, too.",
  rules: RULES,
  folders: [
    {
      folder: "*-<nanoseconds>/",
      why: "rebuild-dbs has renamed it, and made it anew",
      matches: (path) => /-\d{19}$/.test(path),
    },
  ],
  lean: [
    {
      folder: "roots of statedb_config, historydb_config, resultdb_config, contract_eventdb_config, txexistdb_config",
      why: "rebuild-dbs makes them anew from block and store_path; each must be a root of its own",
      // Where they lie only chainmaker.yml tells: `discover` names their roots.
      matches: () => false,
    },
  ],
  stopping: [
    "LevelDB is held by flock on LOCK: while a process holds one, nothing is frozen.",
    "Where `storage.encrypt_key` is a file, the node empties it when it starts, and without it could not start again: no " +
      "backup stops it unless `node_key` says what the file is filled with just before the start (0600), or a before_start hook does it.",
    "Before the stop `archive_status` is asked once more; where the node is archiving or restoring, it is not stopped.",
  ],
  height: null,
  identity: [
    { what: "the node's private keys", rule: "never captured: bring your own to the host that is restored to" },
  ],
  place: [
    "Where the host's block_store_tmp_path is set and the snapshot's was not, or the other way round, `.END` and finished block " +
      "files go to the folder in which the node looks for them; of a file in both folders the whole one stays.",
    "`lean: true` leaves out all databases but block and store_path; `restore --rebuild-dbs` makes them anew (LevelDB only).",
  ],
  signing: {
    record: "<store_path>/<chain>/tbftwal: what it proposed and voted for",
    why: "a consensus node that does not know what it has signed since may vote twice at one height",
    todo:
      "never run the old node and the restored one at once; where the chain went on without it, wait until it is above all " +
      "heights at which this key signed, or let the node catch up before it is a consensus node again",
    // Which nodes vote is written on the chain, not in files that could be read here.
    signs: () => null,
  },
  after: [
    "Its height (`cmc query block-by-height`, chainmaker_committer_metric_block_counter on :14321) goes on from the snapshot's.",
    "rebuild-dbs exits 0 whatever happens: `coldkeep restore --rebuild-dbs` looks at its log and at the height instead.",
  ],
  needsConfig: "where the node's data lies is read from its chainmaker.yml",
  discover(look, roots, settings = { lean: false }) {
    const file = settings.config ?? findConfig(look, roots);
    if (file === null) return null;
    const yaml = look.yaml?.(file);
    if (isChainmaker(yaml)) return findingOf(layoutOf(look, yaml, file, settings), look, roots, file, settings);
    if (settings.config === undefined) return null;
    const why =
      yaml === undefined || yaml === null
        ? "it is not there, or no YAML that can be read"
        : "it has no storage and blockchain";
    return {
      found: "no chainmaker.yml",
      version: null,
      elsewhere: [],
      refusals: [{ what: "this is no chainmaker.yml", on: file, why, todo: "correct system_config" }],
    };
  },
  judgeQuiet: judgeArchive,
  blockFiles: blockFilesIn,
});

function isBlockFolder(path: string): boolean {
  return path === "bfdb" || path.endsWith("/bfdb");
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function findConfig(look: Look, roots: readonly RootView[]): string | null {
  for (const { folder, files } of foldersIn(look, roots)) if (files.includes(CONFIG)) return `${folder}/${CONFIG}`;
  return null;
}

function findingOf(
  layout: Layout,
  look: Look,
  roots: readonly RootView[],
  file: string,
  { lean }: ProfileSettings,
): Finding {
  const { stores, chains, bfdb, tmpPath, storePath } = layout;
  const wanted = lean ? stores.filter(({ needed }) => needed) : stores;
  const elsewhere = wanted
    .filter(({ path }) => !roots.some((root) => isIn(path, root.path)))
    .map(({ name, path, of }) => ({ name: freeName(name, roots), path, why: `it is ${of.join(", ")} of ${file}` }));
  const blocks = bfdb
    ? `blocks in files${tmpPath === null ? "" : " (new ones in block_store_tmp_path)"}`
    : "blocks in a log (no BFDB)";
  const { keyFile, leveldbOnly, notes } = layout;
  return {
    found: `ChainMaker, ${plural(chains.length, "chain")} (${chains.join(", ")}), ${blocks}`,
    version: null,
    elsewhere,
    config: file,
    chains,
    dataless: roots
      .filter(({ path }) => !stores.some((store) => isIn(store.path, path) || isIn(path, store.path)))
      .map(({ name }) => name),
    refusals: [...layout.refusals, ...missing(look, storePath, file), ...(lean ? mixed(layout, roots) : [])],
    notes,
    ...(keyFile === null ? {} : { emptiedKey: keyFile }),
    leanRoots: lean ? rebuildable(layout, roots) : [],
    rebuild: leveldbOnly ? { full: !bfdb } : "rebuild-dbs knows LevelDB only, and a database of this node is none",
    ...(storePath === null || !bfdb ? {} : { blockFolders: { finished: storePath, live: tmpPath ?? storePath } }),
  };
}

function missing(look: Look, storePath: string | null, file: string): Refusal[] {
  if (storePath === null || look.list(storePath) !== null) return [];
  const todo = "correct run_dir, the folder the node is started in: relative paths count from there";
  return [{ what: "store_path leads to where no folder is", on: storePath, why: `so says ${file}`, todo }];
}

/** Roots in which nothing lies that a lean backup needs. */
function rebuildable({ stores }: Layout, roots: readonly RootView[]): string[] {
  return roots
    .filter(({ path }) => stores.some((store) => isIn(store.path, path) || isIn(path, store.path)))
    .filter(({ path }) => !stores.some((store) => store.needed && (isIn(store.path, path) || isIn(path, store.path))))
    .map(({ name }) => name);
}

/** What a lean backup would leave out, but for its lying in a root with what is needed. */
function mixed(layout: Layout, roots: readonly RootView[]): Refusal[] {
  const out = rebuildable(layout, roots);
  const kept = roots.filter(({ name }) => !out.includes(name));
  return layout.stores
    .filter(({ path, needed }) => !needed && kept.some((root) => isIn(path, root.path)))
    .map(({ name, path }) => ({
      what: "lean leaves out whole roots only, and this database lies in one with others",
      on: path,
      todo: `write each folder that chainmaker.yml names as a root of its own, such as ${name}: ${path}`,
    }));
}

function freeName(name: string, roots: readonly RootView[]): string {
  return roots.some((root) => root.name === name) ? `${name}-data` : name;
}
