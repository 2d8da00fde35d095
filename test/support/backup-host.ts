import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  type BackupOptions,
  type BackupResult,
  confirmParent,
  makeVaultSet,
  runBackup,
} from "../../agent/backup/index.ts";
import { initNodeState, type NodeState } from "../../agent/state/index.ts";
import { encodeHead, writerOf } from "../../vault/card/index.ts";
import type { Head } from "../../vault/card/types.ts";
import { makeVaultId, names, type SnapshotId, silent, toNodeName } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/facets.ts";
import { fakeFreeze, type TreeRules } from "./frozen-tree.ts";
import { memoryKeys, type ReadSnapshot, readSnapshot } from "./read-snapshot.ts";

/** `store` stands for a single vault. */
export type BackupChanges = Partial<BackupOptions> & { readonly store?: Store };

/** A host with one node, whose tree is frozen in place, and a vault whose keeper calls good what the test says. */
export interface BackupHost {
  readonly store: Store;
  readonly root: string;
  readonly stateDir: string;
  readonly state: NodeState;
  readonly keys: ReturnType<typeof memoryKeys>;
  options(changes?: BackupChanges): BackupOptions;
  backup(rules?: TreeRules, changes?: BackupChanges): Promise<BackupResult>;
  /** Plays the keeper: head.json calls the snapshot good. Then the host asks. */
  confirm(snapshot: SnapshotId): Promise<boolean>;
  read(snapshot: SnapshotId): Promise<ReadSnapshot>;
}

export const NODE = toNodeName("node-1");
export const VAULT = makeVaultId(Buffer.alloc(16, 7));

/** `keys` are handed on where the same host starts again. */
export function backupHost(dir: string, store: Store, name = "host", keys = memoryKeys()): BackupHost {
  const stateDir = join(dir, name, "state");
  const root = join(dir, name, "root");
  mkdirSync(root, { recursive: true });
  const { state } = initNodeState(stateDir, NODE);
  let now = Date.UTC(2026, 0, 15);
  const options = ({ store: other = store, ...changes }: BackupChanges = {}): BackupOptions => ({
    vault: VAULT,
    node: NODE,
    suite: "aes-256-gcm",
    vaults: makeVaultSet(
      [{ name: "main", store: other }],
      changes.signal === undefined ? {} : { signal: changes.signal },
    ),
    roots: [{ name: "data", path: root }],
    profile: {
      name: "files",
      omitFolder: () => null,
      classify: ({ files }) => files.map(() => ({ mutability: "mutable" })),
    },
    control: {
      name: NODE,
      manager: {
        kind: "none",
        label: "none",
        controls: false,
        stop: async () => {},
        start: async () => {},
        isRunning: async () => false,
      },
      probe: null,
      limits: { stopMs: 1000, startMs: 1000, onStopTimeout: "fail" },
    },
    recipients: [keys],
    signingKey: state.signingKey,
    chunkKey: state.chunkKey("aes-256-gcm"),
    stateDir,
    tags: [],
    full: false,
    workers: 1,
    now: () => {
      now += 1000;
      return now;
    },
    progress: silent,
    signal: new AbortController().signal,
    ...changes,
  });
  let generation = 0;
  return {
    store,
    root,
    stateDir,
    state,
    keys,
    options,
    backup: (rules = {}, changes = {}) => runBackup(options(changes), fakeFreeze(rules)),
    confirm: async (snapshot) => {
      generation += 1;
      const head: Head = {
        format: 1,
        vault: VAULT,
        node: NODE,
        generation,
        newest: snapshot,
        writers: { [writerOf(state.publicKey)]: { good: snapshot, recent: [{ snapshot, state: "good" }] } },
      };
      const there = await store.head(names.headJson(NODE));
      await store.replace(names.headJson(NODE), encodeHead(head), there?.etag ?? null);
      return confirmParent({ stateDir, node: NODE, snapshot, stores: [store], vault: VAULT });
    },
    read: (snapshot) =>
      readSnapshot({ store, vault: VAULT, node: NODE, snapshot, keys: keys.keys, pinnedKey: state.publicKey }),
  };
}
