import { ColdkeepError, type NodeName, names, type SnapshotId, type VaultId } from "../../vault/names/index.ts";
import type { Creator, Deleter, Historian, Lister, PlannedDelete, Reader } from "../../vault/store/facets.ts";
import { approvePlan } from "../collect/approve.ts";
import { pinnedAt, readPins } from "../collect/pins.ts";
import { isPinned, readMarkOf } from "../marks.ts";
import { type NodeScope, readNode } from "../read.ts";
import { isOpenRun, type Scan, scanNode } from "../retain/scan.ts";
import { RUN_WITH_PARENT } from "../rules.ts";
import { changeStanding, readStanding } from "./standing.ts";

export interface DeleteNodeOptions {
  readonly store: Reader & Creator & Lister & Deleter & Historian;
  readonly vault?: VaultId;
  readonly node: NodeName;
  /** False only plans. */
  readonly apply: boolean;
  /** This machine's clock. Milliseconds since the epoch. */
  readonly now: number;
}

export interface DeleteNodeOutcome {
  /** Versions of what opens snapshots (key files, grants of shares) that are there, or were. */
  readonly keys: number;
  readonly objects: number;
  /** Bytes. */
  readonly bytes: number;
  /** What the store protects still, and until when at the least; null where it does not tell. */
  readonly lockedKeys: Locked;
  readonly locked: Locked;
  /** All is gone but the word that it is. */
  readonly done: boolean;
}

export interface Locked {
  readonly count: number;
  /** The last of those locks that are known. Milliseconds since the epoch. */
  readonly until: number | null;
}

/** Versions of one object that are looked for. */
const MAX_VERSIONS = 1000;
const DAY = 86_400_000;
const NONE: Locked = { count: 0, until: null };

/**
 * Deletes a retired node: first all versions of what opens its snapshots, then the rest. Each step finds out anew what is
 * there, so a run that died anywhere is finished by the next one; so are locks that were not over.
 * @throws ColdkeepError `refused` where the node is not retired, or an operator has pinned a snapshot; `busy` while a restore
 *   or a backup may be under way.
 */
export async function deleteNode(options: DeleteNodeOptions): Promise<DeleteNodeOutcome> {
  const { store, apply } = options;
  const { vault, node } = await readNode(store, options.node, options.vault);
  const scope: NodeScope = { vault, node };
  const standing = await readStanding(store, scope);
  if (standing === null) throw notRetired(node);
  // Decided already: what was asked then is not asked again.
  if (standing.state === "retired") await assertUnused(options, scope);
  if (!apply) return planned(store, scope);
  const said = ({ reason, renamed_to }: Pick<typeof standing, "reason" | "renamed_to">) => ({
    ...(reason === undefined ? {} : { reason }),
    ...(renamed_to === undefined ? {} : { renamed_to }),
  });
  await changeStanding(store, scope, (before) =>
    before?.state === "retired" ? { state: "deleting", ...said(before) } : null,
  );
  // Without lists nobody begins a restore of what is about to go; they are caches.
  await remove(store, scope, await found(store, scope, isList));
  const keys = await found(store, scope, isKey);
  const lockedKeys = await remove(store, scope, keys);
  const rest = await found(store, scope, (name) => !isKey(name) && !isKept(name, node));
  const locked = await remove(store, scope, rest);
  const done = lockedKeys.count + locked.count === 0;
  if (done) {
    await changeStanding(store, scope, (before) =>
      before?.state === "deleting" ? { state: "deleted", ...said(before) } : null,
    );
  }
  return { keys: keys.length, objects: rest.length, bytes: sum(rest), lockedKeys, locked, done };
}

type Store = DeleteNodeOptions["store"];
type Sized = PlannedDelete & { readonly size: number };

async function planned(store: Store, scope: NodeScope): Promise<DeleteNodeOutcome> {
  const keys = await found(store, scope, isKey);
  const rest = await found(store, scope, (name) => !isKey(name) && !isKept(name, scope.node));
  const lockedKeys = await locksOf(store, keys);
  return { keys: keys.length, objects: rest.length, bytes: sum(rest), lockedKeys, locked: NONE, done: false };
}

/** What opens packs: key files, and what a share's token opens. */
function isKey(name: string): boolean {
  return /^[^/]+\/data\/[^/]+\/key\.json$/.test(name) || /^[^/]+\/shares\//.test(name);
}

function isList(name: string): boolean {
  return /^[^/]+\/(index\.json|head\.json|backup_list|index\/.*)$/.test(name);
}

/** The name stays claimed, what was said of it stays said, and the plans tell what went. */
function isKept(name: string, node: NodeName): boolean {
  const rest = name.slice(node.length + 1);
  return (
    name === names.nodeJson(node) || /^standing\.\d+\.json$/.test(rest) || name.startsWith(names.plansFolder(node))
  );
}

/** All versions of what is wanted of a node, in the order of names. */
async function found(store: Store, { node }: NodeScope, wanted: (name: string) => boolean): Promise<readonly Sized[]> {
  const prefix = `${node}/`;
  const several = (await store.history?.overwritten(prefix)) ?? new Map<string, string>();
  const all: Sized[] = [];
  for await (const { name, info } of store.list(prefix)) {
    if (!wanted(name)) continue;
    if (!several.has(name)) all.push(plannedOf(name, info));
    else {
      const versions = (await store.history?.versions(name, MAX_VERSIONS)) ?? [];
      all.push(...versions.map((version) => plannedOf(name, version)));
    }
  }
  return all;
}

function plannedOf(
  name: string,
  { etag, version, size }: { readonly etag: string; readonly version?: string; readonly size: number },
): Sized {
  return { name, etag, size, ...(version === undefined ? {} : { version }) };
}

/** Deletes these versions; what the store protects stays, and is counted. */
async function remove(store: Store, scope: NodeScope, objects: readonly Sized[]): Promise<Locked> {
  if (objects.length === 0) return NONE;
  const plan = await approvePlan(store, scope, objects, 0);
  const locked: string[] = [];
  for await (const { name, outcome } of store.delete(plan)) if (outcome === "locked") locked.push(name);
  return {
    count: locked.length,
    until: (
      await locksOf(
        store,
        locked.map((name) => ({ name })),
      )
    ).until,
  };
}

async function locksOf(store: Reader, objects: readonly { readonly name: string }[]): Promise<Locked> {
  let count = 0;
  let until: number | null = null;
  for (const name of new Set(objects.map(({ name }) => name))) {
    const lockedUntil = (await store.head(name))?.lockedUntil;
    if (lockedUntil === undefined) continue;
    count += 1;
    until = Math.max(until ?? 0, lockedUntil);
  }
  return { count, until };
}

function sum(objects: readonly Sized[]): number {
  return objects.reduce((all, { size }) => all + size, 0);
}

/** @throws ColdkeepError `refused`, `busy`. */
async function assertUnused({ store, now }: DeleteNodeOptions, scope: NodeScope): Promise<void> {
  const scan = await scanNode(store, scope.node);
  const kept = await pinnedByPeople(store, scope, scan);
  if (kept.length > 0) {
    throw new ColdkeepError("refused", {
      what: "snapshots of the node are pinned",
      on: scope.node,
      why: kept.slice(0, 5).join(", "),
      todo: "`coldkeep unpin` each of them first, if they are to go, too",
    });
  }
  const ends = await readPins(store, scope, scan);
  // A pin outlasts its restore by days; whoever still restores through a presenter pins anew.
  const recent = [...scan.pins].map(
    ([id, pins]) => [id, new Map([...pins].filter(([, pin]) => pin.receivedAt > now - DAY))] as const,
  );
  const [restored] = pinnedAt({ pins: new Map(recent) }, ends, now);
  if (restored !== undefined) {
    throw new ColdkeepError("busy", {
      what: "a snapshot of the node is being restored, or was within the last day",
      on: names.card(scope.node, restored),
      why: "the pin of a restore keeps it",
      todo: `wait until it is over, or remove ${names.pinsFolder(scope.node)} where nobody restores`,
    });
  }
  for (const [id, { receivedAt }] of scan.begins) {
    if (!isOpenRun(scan, id) || receivedAt < now - RUN_WITH_PARENT) continue;
    throw new ColdkeepError("busy", {
      what: "a backup of the node may be under way",
      on: names.begin(scope.node, id),
      why: "it began and did not end",
      todo: `stop it on its host; what died there counts as over from ${new Date(receivedAt + RUN_WITH_PARENT).toISOString()} on`,
    });
  }
}

async function pinnedByPeople(store: Reader, scope: NodeScope, scan: Scan): Promise<readonly SnapshotId[]> {
  const kept: SnapshotId[] = [];
  for (const [id, { marks }] of scan.snapshots) {
    const round = Math.max(0, ...marks.keys());
    if (round > 0 && isPinned(await readMarkOf(store, scope, id, round))) kept.push(id);
  }
  return kept;
}

function notRetired(node: NodeName): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "the node is not retired",
    on: node,
    why: "only what no host writes to any more is deleted",
    todo: "take its timer off its host, run `coldkeep node retire`, then this again",
  });
}
