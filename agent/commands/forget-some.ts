import { type ForgetOutcome, forgetSnapshots, selectSnapshot } from "../../keeper/index.ts";
import type { SnapshotId } from "../../vault/names/index.ts";
import type { Brake } from "../../vault/retain/index.ts";
import { counted, formatDuration, table } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { brakesText, heldBack, openRetention, type Retention } from "./retention.ts";
import { type ForgetSomeFlags, isApply } from "./retention-flags.ts";
import { selectionOf } from "./selection.ts";

/** `coldkeep forget <id>…`: these, whatever the tiers say. */
export async function forgetSome(call: Call<ForgetSomeFlags>, named: readonly string[]): Promise<Answer> {
  const apply = isApply(call.flags);
  const place = await openRetention(call, apply ? "write" : "read");
  const { store, tiers, scope, node } = place;
  call.progress.stage("forget");
  const ids = new Set<SnapshotId>();
  for (const id of named) ids.add((await selectSnapshot({ store, ...scope, selection: selectionOf(id, {}) })).snapshot);
  const despite = new Set((call.flags.despite ?? []).filter((kind): kind is Brake["kind"] => kind !== "damage"));
  const outcome = await forgetSnapshots({
    ...{ store, ...scope, tiers, apply, despite, ids: [...ids] },
    force: call.flags.force === true,
    now: call.io.clock.now(),
  });
  const { decisions, held, expired, now } = outcome;
  const command = `forget ${[...ids].join(" ")}${call.flags.force === true ? " --force" : ""}`;
  return {
    document: {
      ...{ node, vault: store.url, applied: apply, now },
      decisions: decisions.map((decision) => ({ ...decision, due: (decision.expired ?? now) + tiers.grace })),
      ...{ expired, rescued: [], held },
    },
    text: textOf(place, outcome, { apply, command }),
    ...(apply && held.length > 0 ? { failure: heldBack(command, node, held) } : {}),
  };
}

function textOf(
  { node, tiers }: Retention,
  { decisions, held, expired, now }: ForgetOutcome,
  { apply, command }: { readonly apply: boolean; readonly command: string },
): string {
  if (apply && held.length > 0) return `Nothing of ${node} expired.`;
  if (apply) {
    const already = decisions.length - expired.length;
    const more = already === 0 ? "" : `, ${already} had expired already`;
    return `${counted(expired.length, "snapshot")} of ${node} expired${more}. \`coldkeep gc\` deletes what nobody uses when the grace is over; until then \`coldkeep pin <id>\` keeps one.`;
  }
  const rows = decisions.map(({ snapshot, action, expired: since }) => {
    const left = (since ?? now) + tiers.grace - now;
    const when = left > 0 ? `deleted in ${formatDuration(left)}` : "due";
    return [snapshot, action === "expire" ? `expires, ${when}` : `expired, ${when}`];
  });
  return [
    table([{ title: "SNAPSHOT" }, { title: "PLAN" }], rows),
    "",
    ...(held.length > 0 ? [brakesText(command, held)] : []),
    "Nothing was changed; --apply carries it out.",
  ].join("\n");
}
