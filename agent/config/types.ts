import type { Compression, NodeName, VaultId } from "../../vault/names/index.ts";
import type { Tiers } from "../../vault/retain/index.ts";
import type { KeySetting, TokenSettings } from "../keys/types.ts";
import type { ChannelSettings as NoticeChannel } from "../notify/types.ts";
import type { PaceSettings } from "./types-pace.ts";
import type { StopSettings } from "./types-stop.ts";

/** How the files of backups are sealed: ChainMaker's names for the suites. */
export type Encryptor = "aes" | "sm4";

/** One command: a text for /bin/sh, or the words of a program to run without a shell. */
export type CommandLine = string | readonly string[];

export interface CommandService {
  readonly manager: "command";
  readonly start: CommandLine;
  readonly stop: CommandLine;
  readonly isRunning: CommandLine;
}

/** How a node is stopped, started and asked whether it runs. */
export type ServiceSettings =
  | CommandService
  | { readonly manager: "systemd"; readonly unit: string }
  | {
      readonly manager: "docker";
      readonly container: string;
      readonly program: "docker" | "podman";
      /** By the name of a root: the folder inside the container that is copied to it, as it is no volume. */
      readonly copyOut?: Readonly<Record<string, string>>;
    }
  | {
      readonly manager: "compose";
      readonly file: string;
      readonly services: readonly string[];
      readonly project?: string;
      readonly command: "docker compose" | "docker-compose";
    }
  | (KubernetesPlaceSettings & { readonly workload: "deployment" | "statefulset" })
  | (KubernetesPlaceSettings & {
      readonly workload: "pod";
      /** What makes a deleted pod anew: in the state of its node. */
      readonly kept: string;
      readonly manifest?: string;
    })
  | { readonly manager: "none" };

interface KubernetesPlaceSettings {
  readonly manager: "kubernetes";
  readonly name: string;
  readonly namespace: string;
  readonly context?: string;
  readonly kubeconfig?: string;
}

/** A command of the operator's, and how many milliseconds it may take. */
export interface HookSettings {
  readonly run: CommandLine;
  readonly timeoutMs: number;
}

export type HooksSettings = Readonly<
  Partial<Record<"beforeStop" | "afterStop" | "beforeStart" | "afterStart", HookSettings>>
>;

export interface LimitSettings {
  /** Milliseconds. */
  readonly stopMs: number;
  readonly startMs: number;
  readonly onStopTimeout: "fail" | "kill";
}

/** Asked over HTTP, where `ok` are the good statuses, or by a command that ends with 0. */
export type HealthSettings =
  | { readonly url: string; readonly ok: readonly number[] }
  | { readonly command: CommandLine }
  | { readonly tcp: string };

/**
 * `field` is a path into a JSON answer, such as `block_height` or `0.height`; without it the answer is the number.
 * `channels`: the answer tells several heights, by channel.
 */
export type HeightSettings = ({ readonly url: string } | { readonly command: CommandLine }) & {
  readonly field?: string;
  readonly channels?: ChannelSettings;
};

/**
 * Several heights in one answer: samples of a Prometheus metric, by the label `by`; or the list at the path `list` of a
 * JSON answer (empty: the answer itself), whose entries tell their channel at `by` and their height at `field`, where there
 * is `follow` in the answer of the URL that they have there.
 */
export type ChannelSettings =
  | { readonly metric: string; readonly by: string }
  | { readonly list: string; readonly by: string; readonly field: string; readonly follow?: string };

export interface GlobSettings {
  readonly immutable: readonly string[];
  readonly append_only: readonly string[];
  readonly exclude: readonly string[];
  readonly secret: readonly string[];
}

export interface RootSettings {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

export interface NodeSettings {
  readonly name: NodeName;
  readonly profile: string;
  readonly roots: readonly RootSettings[];
  /** Absolute; where frozen trees lie. */
  readonly freezeDir?: string;
  /** Default: auto. */
  readonly freeze?: "reflink" | "hardlink" | "copy" | "btrfs" | "lvm" | "zfs";
  /** Bytes, for a snapshot of a logical volume. */
  readonly snapshotSpace?: number;
  readonly globs: GlobSettings;
  /** Leave out what the node makes anew when it starts. */
  readonly lean?: true;
  readonly service: ServiceSettings;
  readonly limits: LimitSettings;
  readonly hooks?: HooksSettings;
  readonly health?: HealthSettings;
  readonly height?: HeightSettings;
  /** What a backup does where the node does not answer. */
  readonly whenDown: "skip-and-restart" | "backup";
  /** The chains that are captured, of a node with several; none means all. */
  readonly chains: readonly string[];
  /** Whether a key that signs may be on this host. */
  readonly validator: boolean;
  /** This host's own address, for profiles that name files by it. */
  readonly ownIp?: string;
  /** Whom to ask for it, by GET. */
  readonly ownIpUrl?: string;
  readonly tags: readonly string[];
  /** Names it had: their snapshots are sealed for those. */
  readonly formerly: readonly NodeName[];
  readonly system: SystemSettings;
  /** When it may be stopped. */
  readonly stop: StopSettings;
  /** Pins the key that signs this node's cards: base64url, 32 bytes. */
  readonly cardKey?: string;
  /** Default: balanced. */
  readonly compression?: Compression;
  /** What its backup may take once it runs again. */
  readonly pace?: PaceSettings;
  /** What is kept of its snapshots, in every vault. */
  readonly tiers?: Tiers;
  readonly watch?: WatchSettings;
  readonly drill?: DrillSettings;
  readonly ovn?: OvnSettings;
}

/** Where one host has OVN's sockets, and the log of their servers; absolute. */
interface OvnFolders {
  readonly run: string;
  readonly log: string;
}

export interface OvnMember extends OvnFolders {
  readonly name: string;
  readonly shell?: readonly string[];
  readonly data: string;
  /** Texts for that shell. */
  readonly stop: string;
  readonly start: string;
}

export interface OvnKubernetes extends OvnFolders {
  readonly namespace: string;
  readonly deployment: string;
  readonly agents: string;
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly data: string;
}

/** How OVN's databases are reached and captured; without members and kubernetes, they are this host's alone. */
export interface OvnSettings extends OvnFolders {
  readonly capture: "cold" | "online";
  readonly members?: readonly OvnMember[];
  readonly kubernetes?: OvnKubernetes;
}

/** What a system's profile has to be told of this node. */
export interface SystemSettings {
  /** Absolute; the system's own configuration. */
  readonly config?: string;
  /** Absolute; what relative paths in it count from. */
  readonly runDir?: string;
  /** That data lies elsewhere is known, and not a backup's business. */
  readonly external?: "acknowledged";
  /** `/path`, `credential:NAME` or `env:NAME`: what the node's own key file is filled with before each start. */
  readonly nodeKey?: string;
  /** A restore in place removes the containers the node started by itself: all of its profile's, or those whose names begin so. */
  readonly removeContainers?: true | string;
  /** Run with a chain as its last word; prints how archiving stands. */
  readonly archiveStatus?: CommandLine;
  readonly rebuild?: RebuildSettings;
}

/** How databases are made anew from blocks. */
export interface RebuildSettings {
  /** Run with a chain and a height, or an empty text, as its last words. */
  readonly run: CommandLine;
  /** Absolute; what it writes to. */
  readonly log?: string;
  /** Run with a chain as its last word; prints the height reached. */
  readonly height?: CommandLine;
  readonly timeoutMs: number;
}

/** How a drill is held. */
export interface DrillSettings {
  /** Absolute; where snapshots are restored to be looked at. Default: in the state directory. */
  readonly folder?: string;
  /** Run with the folder of the restored roots as its last word; ends with 0 where the system accepts its data. */
  readonly check?: CommandLine;
  readonly checkMs: number;
}

/** When something is amiss; milliseconds. What is absent is asked of the whole file, then of the defaults. */
export interface WatchSettings {
  readonly maxAgeMs?: number;
  readonly maxUnprovenMs?: number;
}

/** One place where snapshots are kept. */
export interface VaultSettings {
  /** What it is called on the command line; no two are alike. */
  readonly name: string;
  /** `file:///path` or `s3://bucket/prefix`. */
  readonly url: string;
  /** What is kept here of nodes that say nothing of their own. */
  readonly tiers?: Tiers;
  /** How it is reached, where it lies in S3; what is absent is left to the AWS SDK's own sources. */
  readonly s3?: S3Reach;
  /** This host may only add; functions beside the vault list what it puts. */
  readonly putOnly?: true;
  /** How long a call that fails for a reason that may pass is tried again. Milliseconds; default: the store's. */
  readonly retryForMs?: number;
}

export interface S3Reach {
  readonly region?: string;
  /** URL of another server than AWS's. */
  readonly endpoint?: string;
  readonly pathStyle?: boolean;
  readonly profile?: string;
  /** Absolute. */
  readonly caBundle?: string;
  readonly dualStack?: boolean;
  readonly fips?: boolean;
}

/** Nodes that are backed up as one set. */
export interface GroupSettings {
  /** Of the form of a node's name. */
  readonly name: string;
  /** Their names, in the order in which they are stopped; they are started the other way round. */
  readonly order: readonly NodeName[];
  /** All down at the same time, or one after the other. */
  readonly down: "together" | "one-by-one";
  /** `coldkeep install` gives each member a timer too, beside the group's. */
  readonly ownTimers: boolean;
}

export interface Config {
  /** The file it came from. */
  readonly path: string;
  /** In the order of the file, at least one; the first is the one that is read. */
  readonly vaults: readonly VaultSettings[];
  readonly vaultId?: VaultId;
  /** What is kept where neither node nor vault says so. */
  readonly tiers?: Tiers;
  /** For nodes that say nothing of their own. */
  readonly watch?: WatchSettings;
  /** Who is told of failures and alarms. */
  readonly notify?: readonly NoticeChannel[];
  /** Absolute. */
  readonly stateDir: string;
  readonly encryptor: Encryptor;
  /** What snapshots are encrypted for; each alone restores. At least one. */
  readonly keys: readonly KeySetting[];
  /** More keys to restore with. */
  readonly identities: readonly KeySetting[];
  readonly consumeKeyFile: boolean;
  /** The token that `hsm:` means. */
  readonly token?: TokenSettings;
  /** Refuse keys that are wrapped by anything but SM4 and SM3. */
  readonly strictSm: boolean;
  /** Puts an emptied key file back before each backup. */
  readonly refillKeyFile?: CommandLine;
  /** The chainmaker.yml that keys and encryptor were read from. */
  readonly chainmaker?: string;
  /** In the order of the file; at least one. */
  readonly nodes: readonly NodeSettings[];
  readonly groups: readonly GroupSettings[];
  /** Worth a warning: what is allowed but unwise. */
  readonly warnings: readonly string[];
}

/** What it takes to drive the nodes, and no more. */
export type NodesConfig = Pick<Config, "path" | "stateDir" | "nodes">;
