import { encodeClearance, encodeExpired, encodeFate } from "../../vault/card/index.ts";
import { type NodeName, names, type SnapshotId, type VaultId } from "../../vault/names/index.ts";
import { type Brake, planRetention, type RetentionPlan, type Tiers } from "../../vault/retain/index.ts";
import type { Creator } from "../../vault/store/facets.ts";
import { createRecord } from "../create.ts";
import { type IndexStore, indexSnapshots } from "../index-snapshots.ts";
import type { NodeScope } from "../read.ts";
import { readStanding } from "../retire/standing.ts";
import type { Candidates } from "./candidates.ts";
import { readFate } from "./grace.ts";
import { surveyNode } from "./survey.ts";

export interface RetainOptions {
  readonly store: IndexStore & Creator;
  readonly vault?: VaultId;
  readonly node: NodeName;
  readonly tiers: Tiers;
  /** False only plans: nothing in the vault changes, and `now` stands for the store's clock. */
  readonly apply: boolean;
  /** This machine's clock. Milliseconds since the epoch. */
  readonly now: number;
  /** Brakes that an operator overrides, this once. */
  readonly despite?: ReadonlySet<Brake["kind"]>;
}

export interface RetainOutcome {
  readonly plan: RetentionPlan;
  readonly found: Candidates;
  /** Brakes that hold: while there is any, nothing expires. */
  readonly held: readonly Brake[];
  /** What was done; empty where only planned. */
  readonly expired: readonly SnapshotId[];
  readonly rescued: readonly SnapshotId[];
  /** The time that was counted from. */
  readonly now: number;
}

/**
 * Begins the grace of what the tiers keep no longer, and ends that of what they keep again (docs/FORMAT.md,
 * "Retention"). Deletes nothing. Any number of these may run at once, and any may die anywhere: the next one finishes.
 * @throws ColdkeepError `refused` where something is of a newer format, `integrity` for a fate that cannot be read: then
 * nothing of this node expires. Also what the store throws.
 */
export async function retainSnapshots(options: RetainOptions): Promise<RetainOutcome> {
  const { store, tiers, apply, despite = new Set() } = options;
  const { scope, now, scan, found } = await surveyNode(options);
  const standing = await readStanding(store, scope);
  const isActive = standing === null;
  // Of a node that is retired nothing expires, and what was about to comes back: as if all of it were pinned.
  const candidates = isActive ? found.candidates : found.candidates.map((one) => ({ ...one, pinned: true }));
  const plan = planRetention({ candidates, tiers, now, cleared: scan.cleared });
  const held = isActive ? plan.brakes.filter(({ kind }) => !despite.has(kind)) : [];
  if (!apply) return { plan, found, held, expired: [], rescued: [], now };
  if (despite.has("anomaly") && plan.brakes.some(({ kind }) => kind === "anomaly")) await clear(store, scope, now);
  const expired = held.length > 0 ? [] : await expire(store, scope, found, plan.expire);
  const rescued = await rescue(store, scope, found, plan.rescue);
  const ids = [...found.behind, ...expired, ...rescued];
  if (ids.length > 0) await indexSnapshots({ store, vault: scope.vault, node: scope.node, ids });
  return { plan, found, held, expired, rescued, now };
}

/** A marker that is there already was put by another run of this job: it says the same. */
export async function expire(
  store: Creator,
  scope: NodeScope,
  { known }: Candidates,
  ids: readonly SnapshotId[],
): Promise<readonly SnapshotId[]> {
  for (const snapshot of ids) {
    const round = (known.get(snapshot)?.grace.round ?? 0) + 1;
    const marker = encodeExpired({ format: 1, ...scope, snapshot, round });
    await createRecord(store, names.expired(scope.node, snapshot, round), marker);
  }
  return ids;
}

/** Those whose grace could still be ended: where the collector came first, it is too late. */
async function rescue(
  store: RetainOptions["store"],
  scope: NodeScope,
  { known }: Candidates,
  ids: readonly SnapshotId[],
): Promise<readonly SnapshotId[]> {
  const rescued: SnapshotId[] = [];
  for (const snapshot of ids) {
    const round = known.get(snapshot)?.grace.round ?? 0;
    const fate = encodeFate({ format: 1, ...scope, snapshot, round, fate: "rescued" });
    const { created } = await createRecord(store, names.fate(scope.node, snapshot, round), fate);
    if (created || (await readFate(store, scope, snapshot, round)) === "rescued") rescued.push(snapshot);
  }
  return rescued;
}

async function clear(store: Creator, scope: NodeScope, now: number): Promise<void> {
  const record = encodeClearance({ format: 1, ...scope, reason: "an operator let retention go on" });
  // The store's time makes the name: two operators who clear the same thing at once say one thing.
  await createRecord(store, names.clearance(scope.node, String(now)), record);
}
