/**
 * How a file may be frozen, so that the restarted node cannot change what was captured:
 * immutable: hardlink, made before the stop; append-only: hardlink, length pinned; mutable: reflink, else copy;
 * omitted: rebuildable or a cache, left out and said so in the manifest.
 */
export type Mutability = "immutable" | "append-only" | "mutable" | "omitted";

export interface FolderView {
  /** Path below the root, `/`-separated, `""` for the root itself; latin1 so that any bytes survive. */
  readonly path: string;
  /** Names of the plain files in it, latin1. */
  readonly files: readonly string[];
}

export interface FileRule {
  readonly mutability: Mutability;
  /** Identity or key material: own packs, left out of shares. */
  readonly secret?: boolean;
  /** For `omitted`: why, in words. */
  readonly why?: string;
}

/** Which files are captured, and how each may be frozen: all that a freeze needs of a profile. */
export interface CaptureSet {
  readonly name: string;
  /** The system never gives the name of an immutable file to other content of the same size: where one has it, a backup is aborted. */
  readonly namesLast?: true;
  /** Whether to leave a whole folder out; asked before it is read. Null: go in. */
  omitFolder(path: string): string | null;
  /** One rule for each name of `folder.files`, in the same order. Whatever is not known is `mutable`. */
  classify(folder: FolderView): readonly FileRule[];
}

/** One line of what a profile captures. The first whose `of` says yes decides; what none knows is mutable. */
export interface CaptureRule {
  /** The files meant, for people: "*.ldb, *.sst below the smallest *.log". */
  readonly files: string;
  readonly mutability: Mutability;
  readonly secret?: true;
  /** Why that is safe; for `omitted`, why it is not needed. */
  readonly why: string;
  /** Which of a folder's files it is about; asked once a folder, as there may be a million files in one. */
  of(folder: FolderView): (name: string) => boolean;
}

/** A folder left out as a whole. */
export interface FolderRule {
  /** For people: "cache/". */
  readonly folder: string;
  readonly why: string;
  matches(path: string): boolean;
}

/** A look at a host's files, handed in, as a profile does no I/O of its own. Paths are absolute. */
export interface Look {
  /** Names in a folder, those of folders with a `/` at their end; null where it is no folder or cannot be read. */
  list(folder: string): readonly string[] | null;
  /** The first `maxBytes` of a file, latin1; null where there is none. */
  read(file: string, maxBytes: number): string | null;
  /** A YAML file as plain values; undefined where there is none or it is no YAML. */
  yaml?(file: string): unknown;
}

/** What the configuration of a node tells its profile. */
export interface ProfileSettings {
  /** Absolute; the system's own configuration. */
  readonly config?: string;
  /** Absolute; what relative paths in it count from. */
  readonly runDir?: string;
  /** Leave out what the system can make anew. */
  readonly lean: boolean;
}

/** Why no backup may be made of what was found. */
export interface Refusal {
  readonly what: string;
  readonly on: string;
  readonly why?: string;
  readonly todo: string;
  /** Data on another machine: the operator may say that it is known. */
  readonly external?: true;
}

/** What a node says to whether it can be stopped now. */
export interface Quiet {
  readonly quiet: boolean;
  /** Where not: in words. */
  readonly why?: string;
  /** What of the answer belongs on the card. */
  readonly tags: readonly string[];
}

/** A file of blocks, by heights. */
export interface BlockFile {
  /** As it was handed in. */
  readonly path: string;
  readonly chain: string;
  readonly first: number;
  /** Null: it is the last one, and ends at the snapshot's height. */
  readonly last: number | null;
}

/** A folder that is, or should be, backed up. */
export interface RootView {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

/** What `discover` found out. */
export interface Finding {
  /** In words: "RocksDB 7.8.3, 1 database". */
  readonly found: string;
  readonly version: string | null;
  /** Folders that belong to it and are in none of the roots: without them a restore would be no whole node. */
  readonly elsewhere: readonly (RootView & { readonly why: string })[];
  /** The system's own configuration. */
  readonly config?: string;
  readonly chains?: readonly string[];
  /** Names of roots that hold no data of the node: they only told where its configuration is. */
  readonly dataless?: readonly string[];
  readonly refusals?: readonly Refusal[];
  /** Worth knowing: what lies elsewhere and can be done without. */
  readonly notes?: readonly string[];
  /** A file that the node reads its key from at its start, and empties. Absolute. */
  readonly emptiedKey?: string;
  /** Names of roots that a lean backup leaves out. */
  readonly leanRoots?: readonly string[];
  /** Whether databases can be made anew; `full`: only where no database was left out. Else why not. */
  readonly rebuild?: { readonly full: boolean } | string;
  /** Where the system keeps finished block files, and where the one it writes to. Absolute; the same, or two folders. */
  readonly blockFolders?: { readonly finished: string; readonly live: string };
}

/** How the system tells its height, as the configuration would say it. */
export type HeightHint = { readonly url: string } & (
  | { readonly field: string }
  | {
      readonly channels:
        | { readonly metric: string; readonly by: string }
        | { readonly list: string; readonly by: string; readonly follow?: string; readonly field: string };
    }
);

/** What must hold between the members of a group, so that they can be restored together. */
export interface GroupRule {
  /** Of members of that profile: what they were captured with must be as new as this one, or newer. */
  readonly notNewerThan: string;
  /** One of them cannot be down while the other runs. */
  readonly together?: true;
  readonly why: string;
}

/**
 * What keeps a validator from signing twice. Its own record of what it signed comes back as old as the snapshot is, so a
 * restore in place is refused where nobody says that it may be (`--force`).
 */
export interface SigningRule {
  /** Where that record lies, for people. */
  readonly record: string;
  /** What may happen with an old one. */
  readonly why: string;
  /** How to restore without that danger. */
  readonly todo: string;
  /** Whether the node in these folders has the role of one that signs; null, as where it is absent, where it cannot be told. */
  signs(look: Look, roots: readonly RootView[]): boolean | null;
}

/** What `init` writes of how long snapshots are kept, as the configuration has it; nobody's data is deleted unasked. */
export interface KeepHint {
  /** `keep_within` of a folder, and of a bucket. */
  readonly folder: string;
  readonly bucket: string;
  /** `permanent` of a bucket: the time of day from which on the first one is kept for ever. */
  readonly permanent: string;
}

/** Chains of a node, each in a folder of its own, of which only some may be wanted. */
export interface ChainRule {
  /** Whether a folder, by its path below a root, is a chain's. */
  isFolder(path: string): boolean;
  /** That of a chain, as the configuration names it. */
  folderOf(chain: string): string;
}

/** One thing that makes this node itself and no other, and what a restore does with it. */
export interface IdentityRule {
  readonly what: string;
  readonly rule: string;
}

/** A file or folder that gets another name; absolute paths in one folder. */
export interface Rename {
  readonly from: string;
  readonly to: string;
}

/** What renames at a restore may have to know of the host. */
export interface RenameContext {
  /** The host's own address a checked IPv4. @throws ColdkeepError `usage` where nobody knows. */
  ownIp(): string;
}

/**
 * Knowledge of one system: data and small predicates, no I/O. `coldkeep profiles` and docs/profiles/<name>.md are made
 * from the words in it, so these must say what the predicates do.
 */
export interface ContainerRule {
  /** How their names begin. */
  readonly prefix: string;
  readonly what: string;
  /** Of `after`, what is not left to do where they have been removed. */
  readonly byHand: string;
}

export interface Profile extends CaptureSet {
  /** One line for `init` and `doctor`. */
  readonly summary: string;
  /** What it is for, and with which versions it was proven. */
  readonly about: string;
  readonly rules: readonly CaptureRule[];
  readonly folders: readonly FolderRule[];
  /** Left out as well where the configuration says `lean: true`: the node makes it anew when it starts. */
  readonly lean?: readonly FolderRule[];
  /** What to know of stopping it: how long it takes, what must be said to it first. */
  readonly stopping: readonly string[];
  readonly height: HeightHint | null;
  readonly group?: readonly GroupRule[];
  readonly identity: readonly IdentityRule[];
  /** What a restore does beside putting the files where they were: renames, owners, what it drops. */
  readonly place: readonly string[];
  /** How to see after a restore that the system accepts its data. */
  readonly after: readonly string[];
  /** Containers that the node starts by itself, and that must be gone before it starts on restored data. */
  readonly containers?: ContainerRule;
  /** For systems with validators. */
  readonly signing?: SigningRule;
  /** Where the system's operators have rules of their own. */
  readonly keep?: KeepHint;
  /** For systems with several chains below a root. */
  readonly chains?: ChainRule;
  /** What lies in these folders; null where it is nothing of this system's. */
  discover(look: Look, roots: readonly RootView[], settings?: ProfileSettings): Finding | null;
  /** Where nothing can be backed up without the system's own configuration: why. */
  readonly needsConfig?: string;
  /** What the answer to the question whether it can be stopped now means. */
  judgeQuiet?(answer: string): Quiet;
  /** Which heights block files hold; other paths are passed over. */
  blockFiles?(
    paths: readonly string[],
    unmerged: readonly { readonly first: number; readonly last: number }[],
  ): readonly BlockFile[];
  /**
   * What must be called otherwise on this host, in roots that lie staged; absent where nothing is.
   * @throws ColdkeepError `usage`, `refused` where it cannot be told.
   */
  renames?(look: Look, roots: readonly RootView[], context: RenameContext): readonly Rename[];
}
