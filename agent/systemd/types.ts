/** All that the units say of this host. Paths are absolute. */
export interface InstallPlan {
  /** The words that start coldkeep, up to the command. */
  readonly exec: readonly string[];
  readonly config: string;
  readonly stateDir: string;
  /** Nodes that get a timer of their own, for backups. */
  readonly nodes: readonly string[];
  /** Groups that get one. */
  readonly groups: readonly string[];
  /** Nodes that get one for drills. */
  readonly drilled: readonly string[];
  /** What the service may write to beside its state: vaults, and folders that hold a root and its frozen tree. */
  readonly writable: readonly string[];
  /** What must be mounted before it runs. */
  readonly mounts: readonly string[];
  /** No vault is elsewhere: nothing but this host is talked to. */
  readonly local: boolean;
  /** Somebody is to be told of what `status` finds. */
  readonly watches: boolean;
  /** Something it needs lies below /home or /root. */
  readonly home: boolean;
  /** Services that it may stop and start. */
  readonly drives: readonly string[];
  /** A node is started by a command that is not systemctl: what that leaves running may be of the service. */
  readonly startsNodes: boolean;
  /** The key that systemd hands over; null where the configuration names none that it could. */
  readonly credential: Credential | null;
  /** When it runs, as systemd.time(7) has it, and up to how much later. */
  readonly schedule: string;
  readonly delay: string;
  /** The same for drills. */
  readonly drillSchedule: string;
}

export interface Credential {
  readonly name: string;
  /** The file that holds the key now. */
  readonly from: string;
  /** Sealed for this host, or the file itself where systemd knows no sealed ones. */
  readonly sealed: boolean;
}

/** A file as it is to be. */
export interface PlannedFile {
  readonly path: string;
  readonly mode: number;
  readonly content: string;
}
