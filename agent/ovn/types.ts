import type { CommandResult } from "../node/index.ts";

/** One of OVN's two databases. */
export interface Database {
  readonly key: "nb" | "sb";
  /** The name of its schema, by which ovsdb knows it. */
  readonly schema: "OVN_Northbound" | "OVN_Southbound";
  /** The name of its file. */
  readonly file: "ovnnb_db.db" | "ovnsb_db.db";
  /** What its sockets are called: `<stem>.sock`, `<stem>.ctl`. */
  readonly stem: "ovnnb_db" | "ovnsb_db";
}

export interface ShellOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** A file of this host that it reads. */
  readonly input?: string;
  /** A file of this host that takes its output, which must not be there yet; default: the end of it is handed back. */
  readonly output?: string;
}

/** One host of the cluster, and the shell by which it is reached. */
export interface Member {
  /** What it is called: in Kube-OVN its address in NODE_IPS. */
  readonly name: string;
  /** Absolute, there: the folder of the databases, that of the sockets, and the log that is read for record errors. */
  readonly data: string;
  readonly run: string;
  readonly log: string;
  /** Runs a text for its shell, whatever comes of it. @throws the signal's reason on abort. */
  sh(text: string, options?: ShellOptions): Promise<CommandResult>;
}

/** The cluster's servers as they are stopped and started. */
export interface Cluster {
  /** For people: "deployment/ovn-central in namespace kube-system". */
  readonly label: string;
  /** In the order of NODE_IPS: the first gets a recovered database. At least one. */
  readonly members: readonly Member[];
  /** What has to be known to bring back as many as there were; read before anything is stopped. */
  replicas(signal: AbortSignal): Promise<number>;
  /** Stops all servers, and waits until they are gone. Stopping stopped ones is no error. */
  stopAll(signal: AbortSignal): Promise<void>;
  /** Starts them, the first member's first, and waits until the service manager calls them running. */
  startAll(replicas: number, signal: AbortSignal): Promise<void>;
  /** Starts one member's servers anew. */
  restart(member: Member, signal: AbortSignal): Promise<void>;
  /** How each of these is done, for people. */
  readonly words: { readonly stop: string; readonly start: string; readonly restart: (member: Member) => string };
}
