import type { CollectOptions, RetainOptions } from "../../keeper/index.ts";
import {
  type CollectOutcome,
  collectGarbage,
  type RenewOptions,
  type RenewOutcome,
  type RetainOutcome,
  renewLocks,
  retainSnapshots,
} from "../../keeper/index.ts";
import { isColdkeepError, type SnapshotId } from "../../vault/names/index.ts";
import type { Brake } from "../../vault/retain/index.ts";
import type { Teller } from "../common/report.ts";
import { putReport, readReport } from "../common/reports.ts";
import type { NodeSettings } from "../common/settings.ts";
import { RETENTION_METRICS } from "./contract.ts";

export interface RetentionOn {
  readonly store: RetainOptions["store"] & CollectOptions["store"] & RenewOptions["store"];
  readonly tell: Teller;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface RetainHow {
  /** False only says what would be done. */
  readonly apply: boolean;
  readonly despite?: NonNullable<CollectOptions["despite"]>;
  /** Locks all that is in use anew. */
  readonly relock?: boolean;
  /** Ends in time to say what was done; what was not renewed of locks is renewed the night after. */
  readonly until?: AbortSignal;
}

const SUNDAY = 0;

/**
 * One node's night: graces begin and end as the tiers say, then what no snapshot uses any more goes, and the locks of what
 * is in use are renewed where they are about to run out. What was done lies
 * in the vault afterwards; a dry run only says it.
 * @throws ColdkeepError what the keeper throws; the run is repeated, and each repetition finishes what is left.
 */
export async function retainNode(on: RetentionOn, node: NodeSettings, how: RetainHow): Promise<object> {
  const { store, tell } = on;
  const { apply, despite = new Set(), relock = false, until } = how;
  const { name, tiers } = node;
  const now = on.now();
  const job = { store, node: name, apply, now };
  const brakes = new Set([...despite].filter((kind) => kind !== "damage"));
  let retained: RetainOutcome;
  let collected: CollectOutcome;
  let renewed: RenewOutcome | null = null;
  try {
    retained = await retainSnapshots({ ...job, tiers, despite: brakes });
    // Data that nothing tells of is looked for once a week: it lists all there is.
    const strays = new Date(now).getUTCDay() === SUNDAY;
    collected = await collectGarbage({ ...job, grace: tiers.grace, despite, strays });
    const thorough = retained.rescued.length > 0;
    if (apply)
      renewed = await renewLocks({
        store,
        node: name,
        grace: tiers.grace,
        thorough,
        anew: relock,
        ...(until && { signal: until }),
      });
  } catch (error) {
    if (isColdkeepError(error, "not-found")) {
      tell.info("nothing there yet", { node: name });
      return { node: name, snapshots: 0 };
    }
    tell.count(RETENTION_METRICS.failed, 1);
    tell.error("retention failed", error, { node: name });
    throw error;
  }
  const report = { ...reportOf(retained, collected, apply), ...locksOf(renewed) };
  if (apply) {
    await tellPermanent(on, name, report.permanents);
    await putReport(store, name, "retention", { at: new Date(now).toISOString(), ...report });
    count(tell, report);
  }
  const { permanents: _, ...said } = report;
  tell.info(apply ? "retained" : "would retain", { node: name, ...said });
  return { node: name, ...report };
}

function reportOf(retained: RetainOutcome, collected: CollectOutcome, applied: boolean) {
  const { plan } = retained;
  const kept = new Set(collected.locked);
  const gone = collected.dead.filter(({ name }) => !kept.has(name));
  // A brake that holds back nothing is no news.
  const held: readonly Brake[] = [...(plan.expire.length === 0 ? [] : retained.held), ...collected.held];
  return {
    applied,
    snapshots: plan.decisions.length,
    expired: applied ? retained.expired : plan.expire,
    rescued: applied ? retained.rescued : plan.rescue,
    permanent: plan.permanent.length,
    permanents: plan.permanent,
    held: held.map(({ kind, why }) => `${kind}: ${why}`),
    collected: collected.collected,
    postponed: collected.postponed,
    abandoned: collected.abandoned,
    objects: gone.length,
    bytes: gone.reduce((sum, { size }) => sum + size, 0),
    locked: collected.locked.length,
    foreign: collected.foreign.slice(0, 20),
  };
}

/** A line for each snapshot that a rule alone keeps for good from this night on: what stays, and costs, for ever is said once. */
async function tellPermanent(
  { store, tell }: RetentionOn,
  node: NodeSettings["name"],
  permanents: readonly SnapshotId[],
): Promise<void> {
  if (permanents.length === 0) return;
  const { permanents: told } = await readReport(store, node, "retention");
  const known = new Set(Array.isArray(told) ? told : []);
  for (const snapshot of permanents) {
    if (!known.has(snapshot)) tell.info("audit", { event: "permanent", who: "the node's tiers", node, snapshot });
  }
}

/** Nothing where the bucket locks nothing by itself. */
function locksOf(renewed: RenewOutcome | null): { readonly locks?: { renewed: number; finished: boolean } } {
  if (renewed === null || renewed.terms === null) return {};
  return { locks: { renewed: renewed.renewed, finished: renewed.finished } };
}

function count(tell: Teller, report: ReturnType<typeof reportOf> & ReturnType<typeof locksOf>): void {
  tell.count(RETENTION_METRICS.done, 1);
  tell.count(RETENTION_METRICS.failed, 0);
  tell.count(RETENTION_METRICS.held, report.held.length > 0 ? 1 : 0);
  tell.count(RETENTION_METRICS.expired, report.expired.length);
  tell.count(RETENTION_METRICS.deleted, report.bytes);
  tell.count(RETENTION_METRICS.locked, report.locked);
  tell.count(RETENTION_METRICS.renewed, report.locks?.renewed ?? 0);
}
