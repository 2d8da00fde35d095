import { encodeDeletionPlan, MAX_PLAN_OBJECTS, sumOf } from "../../vault/card/index.ts";
import { ColdkeepError, names } from "../../vault/names/index.ts";
import type { ApprovedPlan, Creator, PlannedDelete } from "../../vault/store/facets.ts";
import { createRecord } from "../create.ts";
import type { NodeScope } from "../read.ts";

/**
 * Makes a plan of deletions out of objects: the one place that does. The plan is put into the vault first; its receipt is
 * the last look at the store's clock.
 * @param notBefore When the last grace among what goes is over. Milliseconds since the epoch.
 * @throws ColdkeepError `refused` where by the store's clock a grace is not over after all.
 */
export async function approvePlan(
  store: Creator,
  scope: NodeScope,
  objects: readonly PlannedDelete[],
  notBefore: number,
): Promise<ApprovedPlan> {
  for (let from = 0; from < objects.length; from += MAX_PLAN_OBJECTS) {
    const part = objects.slice(from, from + MAX_PLAN_OBJECTS).map(({ name, etag, version }) => ({
      name,
      etag,
      ...(version === undefined ? {} : { version }),
    }));
    const bytes = encodeDeletionPlan({ format: 1, ...scope, objects: part });
    const outcome = await createRecord(store, names.plan(scope.node, sumOf(bytes).sha256), bytes);
    // A plan that is there already was approved by the run that put it.
    if (outcome.created && outcome.receipt.info.receivedAt < notBefore) {
      throw tooEarly(scope, outcome.receipt.info.receivedAt, notBefore);
    }
  }
  return { objects } as ApprovedPlan;
}

/** The part of a plan that `keep` names. */
export function narrow(plan: ApprovedPlan, keep: (object: PlannedDelete) => boolean): ApprovedPlan {
  return { ...plan, objects: plan.objects.filter(keep) };
}

/** A plan in parts of one key each, in its order. */
export function* split<Key>(
  plan: ApprovedPlan,
  keyOf: (object: PlannedDelete) => Key,
): Generator<readonly [Key, ApprovedPlan]> {
  const parts = new Map<Key, PlannedDelete[]>();
  for (const object of plan.objects) {
    const key = keyOf(object);
    const part = parts.get(key);
    if (part === undefined) parts.set(key, [object]);
    else part.push(object);
  }
  for (const [key, objects] of parts) yield [key, { ...plan, objects }];
}

function tooEarly(scope: NodeScope, put: number, notBefore: number): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "nothing was deleted",
    on: scope.node,
    why: `the vault's clock says ${new Date(put).toISOString()}, and a grace ends at ${new Date(notBefore).toISOString()}`,
    todo: "Look at the clock of the machine that holds the vault",
  });
}
