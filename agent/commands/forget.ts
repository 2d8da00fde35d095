import { foretellDead, type RetainOutcome, retainSnapshots } from "../../keeper/index.ts";
import { ColdkeepError, isColdkeepError, messageOf } from "../../vault/names/index.ts";
import type { Brake, Decision, Tiers } from "../../vault/retain/index.ts";
import { counted, formatBytes, formatDuration, formatTime, table } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { forgetSome } from "./forget-some.ts";
import { brakesText, heldBack, openRetention, type Retention } from "./retention.ts";
import { type ForgetSomeFlags, isApply } from "./retention-flags.ts";

/** `coldkeep forget`. */
export async function run(call: Call<ForgetSomeFlags>, ...ids: readonly string[]): Promise<Answer> {
  if (ids.length > 0) return forgetSome(call, ids);
  if (call.flags.force === true) throw nothingNamed();
  const apply = isApply(call.flags);
  const place = await openRetention(call, apply ? "write" : "read");
  const { store, tiers, scope, node } = place;
  call.progress.stage("forget");
  const despite = new Set((call.flags.despite ?? []).filter((kind): kind is Brake["kind"] => kind !== "damage"));
  const outcome = await retainSnapshots({ store, ...scope, tiers, apply, now: call.io.clock.now(), despite });
  const { plan, held } = outcome;
  const freed = apply ? null : await tellFreed(place, outcome);
  const isHeld = held.length > 0 && plan.expire.length > 0;
  return {
    document: {
      node,
      vault: store.url,
      applied: apply,
      now: outcome.now,
      decisions: plan.decisions.map((decision) => ({ ...decision, ...graceOf(decision, tiers) })),
      expired: outcome.expired,
      rescued: outcome.rescued,
      held,
      ...(freed === null ? {} : { freed }),
    },
    text: apply ? doneText(place, outcome, isHeld) : planText(place, outcome, freed, isHeld),
    ...(apply && isHeld ? { failure: heldBack("forget", node, held) } : {}),
  };
}

function nothingNamed(): ColdkeepError {
  return new ColdkeepError("usage", {
    what: "--force is for snapshots that are named",
    why: "without any, the tiers say what expires",
    todo: "name them: coldkeep forget <id> --dry-run --force",
  });
}

type Freed = { readonly objects: number; readonly bytes: number } | { readonly unknown: string };

async function tellFreed({ store, tiers, scope }: Retention, { plan, now }: RetainOutcome): Promise<Freed> {
  try {
    const dead = await foretellDead({ store, ...scope, grace: tiers.grace, now, ids: plan.expire });
    return { objects: dead.length, bytes: dead.reduce((sum, { size }) => sum + size, 0) };
  } catch (error) {
    // The plan stands by itself; what it will free is told where it can be.
    if (!isColdkeepError(error, "integrity") && !isColdkeepError(error, "refused")) throw error;
    return { unknown: messageOf(error) };
  }
}

function graceOf({ action, expired }: Decision, { grace }: Tiers): { readonly due?: number } {
  return expired === null || action === "rescue" ? {} : { due: expired + grace };
}

function planText(
  { node, tiers, store }: Retention,
  outcome: RetainOutcome,
  freed: Freed | null,
  isHeld: boolean,
): string {
  const { plan, found, now, held } = outcome;
  if (plan.decisions.length === 0) return `There are no snapshots of ${node} in ${store.url}.`;
  const rows = plan.decisions.map((decision) => [
    decision.snapshot,
    formatTime(found.known.get(decision.snapshot)?.entry.received ?? 0),
    fateText(decision, tiers, now),
    decision.reasons.length === 0 ? "no tier keeps it" : decision.reasons.join(", "),
  ]);
  const lines = [
    table([{ title: "SNAPSHOT" }, { title: "TIME" }, { title: "PLAN" }, { title: "WHY" }], rows),
    "",
    summary(outcome),
    ...permanentText(outcome),
    ...freedText(freed, tiers),
    ...(isHeld ? [brakesText("forget", held)] : []),
    "Nothing was changed; --apply carries it out.",
  ];
  return lines.join("\n");
}

function summary({ plan }: RetainOutcome): string {
  const { decisions, expire, rescue } = plan;
  const inGrace = decisions.filter(({ action, expired }) => action === "none" && expired !== null).length;
  const kept = decisions.length - expire.length - inGrace;
  const back = rescue.length === 0 ? "" : ` (${counted(rescue.length, "of them comes", "of them come")} back)`;
  return `${counted(kept, "snapshot")} kept${back}, ${expire.length} to expire, ${inGrace} expired already.`;
}

function permanentText({ plan, found }: RetainOutcome): string[] {
  if (plan.permanent.length === 0) return [];
  const stored = plan.permanent.reduce((sum, id) => sum + (found.known.get(id)?.entry.bytes.stored ?? 0), 0);
  const bytes = formatBytes(stored);
  return [
    `${counted(plan.permanent.length, "snapshot")} kept by \`permanent\` alone: they stored ${bytes}, and stay for ever.`,
  ];
}

function freedText(freed: Freed | null, { grace }: Tiers): string[] {
  if (freed === null) return [];
  if ("unknown" in freed) return [`How much that frees cannot be told: ${freed.unknown}`];
  if (freed.objects === 0) return [];
  const what = `${formatBytes(freed.bytes)} in ${counted(freed.objects, "object")}`;
  return [`With all that is expired gone, ${what} are freed; each snapshot's grace is ${formatDuration(grace)}.`];
}

function fateText({ action, expired }: Decision, { grace }: Tiers, now: number): string {
  if (action === "rescue") return "comes back";
  if (action === "expire") return "expires";
  if (expired === null) return "keep";
  const left = expired + grace - now;
  return left > 0 ? `expired, deleted in ${formatDuration(left)}` : "expired, due";
}

function doneText({ node }: Retention, outcome: RetainOutcome, isHeld: boolean): string {
  const { expired, rescued } = outcome;
  if (isHeld) return `Nothing of ${node} expired.`;
  if (expired.length === 0 && rescued.length === 0) return `Nothing of ${node} is to expire.`;
  const parts = [
    ...(expired.length === 0 ? [] : [`${counted(expired.length, "snapshot")} of ${node} expired`]),
    ...(rescued.length === 0 ? [] : [`${counted(rescued.length, "snapshot")} came back`]),
  ];
  return `${parts.join(", ")}. \`coldkeep gc\` deletes them when their grace is over.`;
}
