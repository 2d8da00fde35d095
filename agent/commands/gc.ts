import { type CollectOutcome, collectGarbage } from "../../keeper/index.ts";
import type { NodeName } from "../../vault/names/index.ts";
import { counted, formatBytes } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { brakesText, heldBack, openRetention } from "./retention.ts";
import { type ForgetFlags, isApply } from "./retention-flags.ts";

/** `coldkeep gc`. */
export async function run(call: Call<ForgetFlags>): Promise<Answer> {
  const apply = isApply(call.flags);
  const { store, tiers, scope, node } = await openRetention(call, apply ? "write" : "read");
  call.progress.stage("gc");
  const despite = new Set(call.flags.despite ?? []);
  const now = call.io.clock.now();
  const outcome = await collectGarbage({ store, ...scope, grace: tiers.grace, apply, now, despite, strays: true });
  const { held, dead } = outcome;
  return {
    document: { node, vault: store.url, applied: apply, ...outcome, bytes: bytesOf(outcome) },
    text: [
      ...(apply && held.length > 0 ? [`Nothing of ${node} was deleted.`] : [words(node, outcome, apply)]),
      ...(apply || held.length === 0 ? [] : [brakesText("gc", held)]),
      ...(apply || dead.length === 0 ? [] : ["Nothing was changed; --apply deletes it."]),
    ].join("\n"),
    ...(apply && held.length > 0 ? { failure: heldBack("gc", node, held) } : {}),
  };
}

function bytesOf({ dead, locked }: CollectOutcome): number {
  const kept = new Set(locked);
  return dead.reduce((sum, { name, size }) => sum + (kept.has(name) ? 0 : size), 0);
}

function words(node: NodeName, outcome: CollectOutcome, apply: boolean): string {
  const { collected, abandoned, postponed, dead, locked, foreign } = outcome;
  const gone = `${formatBytes(bytesOf(outcome))} in ${counted(dead.length - locked.length, "object")}`;
  const lines = [
    dead.length === 0
      ? `Nothing of ${node} is to be deleted.`
      : `${gone} of ${node} ${apply ? "deleted" : "would be deleted"}.`,
    list("snapshots whose grace is over", collected),
    list("runs that never ended, given up", abandoned),
    list("snapshots that a running restore, or a pin, still holds", postponed),
    list("objects that the vault has locked for now", locked),
    list("objects that are none of coldkeep's, left alone", foreign),
  ];
  return lines.filter((line) => line !== null).join("\n");
}

const SHOWN = 5;

/** The first few; --json has them all. */
function list(title: string, found: readonly string[]): string | null {
  if (found.length === 0) return null;
  const more = found.length > SHOWN ? `\n  and ${found.length - SHOWN} more; --json has them all` : "";
  return `${title}: ${found.length}\n${found
    .slice(0, SHOWN)
    .map((name) => `  ${name}`)
    .join("\n")}${more}`;
}
