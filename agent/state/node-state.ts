import type { KeyObject } from "node:crypto";
import { join } from "node:path";
import type { Lock } from "../../posix/lockfile.ts";
import type { SuiteName } from "../../vault/card/types.ts";
import type { NodeName, SnapshotId } from "../../vault/names/index.ts";
import { chunkKeyOf, hasChunkKey } from "./chunk-key.ts";
import { addOutage, type Outage, readOutages } from "./outages.ts";
import { readParent, writeParent } from "./parent.ts";
import { type Pause, readPause, removePause, writePause } from "./pause.ts";
import { makePrivateFolder } from "./private.ts";
import { type RecipientRecord, readRecipient, writeRecipient } from "./recipients.ts";
import { listRuns, makeRun, removeRun, runFolder } from "./runs.ts";
import { lastSequence, nextSequence } from "./sequence.ts";
import { initSigningKey, loadSigningKey, type SigningKey } from "./signing-key.ts";
import { type StoredStretch, stretchOf } from "./stretch.ts";
import { takeLock } from "./take-lock.ts";

/** What a host remembers about one node, in `<state dir>/<node>/`. Losing it costs one new base, never correctness. */
export interface NodeState {
  readonly node: NodeName;
  /** `<state dir>/<node>`, 0700. */
  readonly folder: string;
  /** Signs the node's cards. */
  readonly signingKey: KeyObject;
  /** base64url of its 32 public bytes: what is pinned. */
  readonly publicKey: string;
  chunkKey(suite: SuiteName): Uint8Array;
  /** Whether it is there already; asking for the key makes it. */
  hasChunkKey(suite: SuiteName): boolean;
  /** Public stretching parameters of one key source, made once. */
  stretch<T extends StoredStretch>(label: string, suite: SuiteName, make: () => T): T;
  /** What is known of a recipient whose private half is elsewhere, by its label. */
  readonly recipients: {
    get(label: string): RecipientRecord | null;
    set(label: string, record: RecipientRecord): void;
  };
  /** A sequence number above all before and above `atLeast`; durable before it is returned. */
  nextSequence(atLeast: number): number;
  readonly lastSequence: number;
  readonly parent: SnapshotId | null;
  setParent(snapshot: SnapshotId): void;
  readonly runs: {
    list(): SnapshotId[];
    folder(id: SnapshotId): string;
    make(id: SnapshotId): string;
    remove(id: SnapshotId): void;
  };
  /** What the last runs cost, oldest first. */
  readonly outages: {
    list(): readonly Outage[];
    add(outage: Outage): void;
  };
  /** The pause that holds at a moment (milliseconds since the epoch), or null. */
  pauseAt(now: number): Pause | null;
  pause(pause: Pause): void;
  resume(): void;
  /** Held by whatever works on the node. @throws ColdkeepError `busy` naming who holds it. */
  lock(label: string): Lock;
}

/** `<state dir>/<node>`. */
export function nodeFolder(stateDir: string, node: NodeName): string {
  return join(stateDir, node);
}

/** Makes a node's state with its signing key; what is there already is kept. */
export function initNodeState(
  stateDir: string,
  node: NodeName,
): { readonly state: NodeState; readonly created: boolean } {
  const folder = nodeFolder(stateDir, node);
  makePrivateFolder(folder);
  const { created } = initSigningKey(folder);
  return { state: openNodeState(stateDir, node), created };
}

/**
 * The state of a node that `init` made.
 * @throws ColdkeepError `not-found` without a signing key, `permission` where others can get at it.
 */
export function openNodeState(stateDir: string, node: NodeName): NodeState {
  const folder = nodeFolder(stateDir, node);
  makePrivateFolder(folder);
  const signing: SigningKey = loadSigningKey(folder);
  return {
    node,
    folder,
    signingKey: signing.key,
    publicKey: signing.publicKey,
    chunkKey: (suite) => chunkKeyOf(folder, suite),
    hasChunkKey: (suite) => hasChunkKey(folder, suite),
    stretch: (label, suite, make) => stretchOf(folder, label, suite, make),
    recipients: {
      get: (label) => readRecipient(folder, label),
      set: (label, record) => writeRecipient(folder, label, record),
    },
    nextSequence: (atLeast) => nextSequence(folder, atLeast),
    get lastSequence() {
      return lastSequence(folder);
    },
    get parent() {
      return readParent(folder);
    },
    setParent: (snapshot) => writeParent(folder, snapshot),
    runs: {
      list: () => listRuns(folder),
      folder: (id) => runFolder(folder, id),
      make: (id) => makeRun(folder, id),
      remove: (id) => removeRun(folder, id),
    },
    outages: {
      list: () => readOutages(folder),
      add: (outage) => addOutage(folder, outage),
    },
    pauseAt: (now) => readPause(folder, now),
    pause: (pause) => writePause(folder, pause),
    resume: () => removePause(folder),
    lock: (label) => takeLock(folder, "lock", label),
  };
}
