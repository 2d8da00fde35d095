import { ColdkeepError, type NodeName, type SnapshotId, type VaultId } from "../../vault/names/index.ts";
import { type Brake, type Decision, planRetention, type Tiers } from "../../vault/retain/index.ts";
import type { Creator } from "../../vault/store/facets.ts";
import { type IndexStore, indexSnapshots } from "../index-snapshots.ts";
import { markSnapshot } from "../marks.ts";
import type { Candidates } from "./candidates.ts";
import { expire } from "./retain.ts";
import { surveyNode } from "./survey.ts";

export interface ForgetOptions {
  readonly store: IndexStore & Creator;
  readonly vault?: VaultId;
  readonly node: NodeName;
  readonly tiers: Tiers;
  /** Those that are to go. */
  readonly ids: readonly SnapshotId[];
  /** Also what `permanent` keeps. */
  readonly force: boolean;
  /** False only plans. */
  readonly apply: boolean;
  /** This machine's clock, for plans. Milliseconds since the epoch. */
  readonly now: number;
  readonly despite?: ReadonlySet<Brake["kind"]>;
}

export interface ForgetOutcome {
  /** One of each that was named: `expire`, or `none` where it is expired already. */
  readonly decisions: readonly Decision[];
  readonly found: Candidates;
  readonly held: readonly Brake[];
  /** What was done; empty where only planned, or held. */
  readonly expired: readonly SnapshotId[];
  readonly now: number;
}

/**
 * Begins the grace of single snapshots, whatever the tiers say; a mark beside each holds them to it, so that no later run
 * brings them back. Pinning one does. The rules of docs/FORMAT.md, "Retention", hold as for all others, and so do the
 * brakes.
 * @throws ColdkeepError `refused` where one is kept by what is no tier: pinned, the newest good one, younger than the
 * floor, or `permanent` without `force`; `not-found`. Nothing is changed then.
 */
export async function forgetSnapshots(options: ForgetOptions): Promise<ForgetOutcome> {
  const { store, tiers, apply, ids, force, despite = new Set() } = options;
  const { scope, now, scan, found } = await surveyNode(options);
  const only = new Set<string>(ids);
  const asked = found.candidates.map((one) => (only.has(one.snapshot) ? { ...one, forgotten: true } : one));
  const rules = { tiers, now, cleared: scan.cleared, only };
  const before = new Map(
    planRetention({ ...rules, candidates: found.candidates }).decisions.map((d) => [d.snapshot, d]),
  );
  const plan = planRetention({ ...rules, candidates: asked });
  const decisions = plan.decisions.filter(({ snapshot }) => only.has(snapshot));
  for (const id of ids) {
    const decision = decisions.find(({ snapshot }) => snapshot === id);
    if (decision === undefined) throw unknown(id);
    const permanent = !force && before.get(id)?.reasons.includes("permanent") === true;
    const keeping = [...decision.reasons, ...(permanent ? ["permanent"] : [])];
    if (keeping.length > 0) throw kept(id, keeping);
  }
  const held = plan.expire.length === 0 ? [] : plan.brakes.filter(({ kind }) => !despite.has(kind));
  if (!apply || held.length > 0) return { decisions, found, held, expired: [], now };
  for (const snapshot of ids) {
    await markSnapshot({
      ...{ store, ...scope, snapshot },
      change({ pinned, tags }) {
        // Somebody pinned it since we looked.
        if (pinned) throw kept(snapshot, ["pinned"]);
        return { pinned, tags, forgotten: true };
      },
    });
  }
  const expired = await expire(store, scope, found, plan.expire);
  await indexSnapshots({ store, ...scope, ids: [...found.behind, ...ids] });
  return { decisions, found, held, expired, now };
}

function kept(id: SnapshotId, reasons: readonly string[]): ColdkeepError {
  const [first = ""] = reasons;
  const todo =
    first === "pinned"
      ? `coldkeep unpin ${id}, then try again`
      : first === "permanent"
        ? "with --force it goes, and so does what `permanent` keeps for ever"
        : "it can go once that is over";
  return new ColdkeepError("refused", {
    what: "this snapshot may not go",
    on: id,
    why: `it is ${reasons.join(", ")}`,
    todo,
  });
}

function unknown(id: SnapshotId): ColdkeepError {
  return new ColdkeepError("not-found", {
    what: "there is no such snapshot to forget",
    on: id,
    why: "it is gone, or its deletion has begun",
    todo: "`coldkeep list` shows all",
  });
}
