import type { Heights } from "../../vault/card/types.ts";
import type { Hooks } from "./hooks.ts";
import type { NodeKeyFile } from "./key-file.ts";

/**
 * Stops, starts and asks one node. Every call obeys its signal, whose reason it throws, and its own time limit; a call
 * that is cut off leaves no child process behind.
 */
export interface ServiceManager {
  readonly kind: string;
  /** How it would be said to a person: "command systemctl stop icon". */
  readonly label: string;
  /** False for `none`: nothing is stopped or started, and the proof of death alone decides. */
  readonly controls: boolean;
  /** Asks the node to stop; returns when the request was taken. Stopping a stopped node is no error. @throws `node-stop` */
  stop(options: CallOptions): Promise<void>;
  /** Asks the node to start. Starting a running node is no error. @throws `node-start` */
  start(options: CallOptions): Promise<void>;
  isRunning(options: CallOptions): Promise<boolean>;
  /** Where stopping takes away what a start needs: that it could be started again. @throws ColdkeepError where it could not. */
  readonly assertCanStart?: (options: CallOptions) => Promise<void>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
}

/** What a node says of itself; absent where the config names no way to ask. */
export interface NodeProbe {
  /** Answers, and says it is well. Never throws for a node that does not answer. */
  health(options: CallOptions): Promise<{ readonly healthy: boolean; readonly detail: string }>;
  /** Heights by channel; null where it does not answer or does not tell. */
  heights(options: CallOptions): Promise<Heights | null>;
}

export interface NodeLimits {
  readonly stopMs: number;
  readonly startMs: number;
  /** What to do when `stopMs` has passed: fail (and start it again), or kill what holds its files. */
  readonly onStopTimeout: "fail" | "kill";
}

/** A node's service as the agent drives it. */
export interface NodeControl {
  readonly name: string;
  readonly manager: ServiceManager;
  readonly probe: NodeProbe | null;
  readonly limits: NodeLimits;
  /** Commands of the operator's around stop and start. */
  readonly hooks?: Hooks;
  /** What has to be filled before each start. */
  readonly keyFile?: NodeKeyFile;
  /** Asked right before a backup's stop. @throws ColdkeepError where the node may not be stopped now; it is not then. */
  readonly assertQuiet?: (signal: AbortSignal) => Promise<void>;
  /** Brings the node's files into its roots once it is down, where they lie elsewhere. @throws `node-stop` */
  readonly fetch?: (options: CallOptions) => Promise<void>;
}

/** Proof that the node is down: its manager says so and no process holds its files. Made by freeze's proof only. */
export interface StoppedNode {
  readonly control: NodeControl;
  /** Monotonic milliseconds at which stop was asked, and at which death was proven. */
  readonly askedAt: number;
  readonly provenAt: number;
  /** Milliseconds that were coldkeep's own work since the manager said that the node is down. */
  readonly ownMs: number;
  readonly __brand: "StoppedNode";
}
