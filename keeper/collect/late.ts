import { names } from "../../vault/names/index.ts";
import { hasCard, type Scan, scanSnapshots } from "../retain/scan.ts";
import { isDead } from "./dead.ts";
import type { DeadOptions, Run } from "./find-dead.ts";
import { markLive } from "./mark.ts";
import type { DeadObject } from "./types.ts";

/**
 * Of data that was found dead and of which no fate tells, the names that cards use which came since the scan. Nothing says of
 * data without begin and card that somebody is about to put one, as a copy does. Asked once the plan is there: whoever puts a card that this does
 * not see yet can see the plan.
 * @throws ColdkeepError as markLive
 */
export async function namesUsedSince(
  { options, scope, now }: Run<DeadOptions>,
  scan: Scan,
  dead: readonly DeadObject[],
): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  if (dead.length === 0) return used;
  const { store, grace, despite } = options;
  const snapshots = await scanSnapshots(store, scope.node);
  const late = new Map([...snapshots].filter(([id, { card }]) => card !== null && !hasCard(scan, id)));
  if (late.size === 0) return used;
  const despiteDamage = despite?.has("damage") ?? false;
  const since = { ...scan, snapshots: late, begins: new Map() };
  const marked = await markLive(store, scope, since, { collecting: new Set(), now, grace, despiteDamage });
  for (const { name, of } of dead) {
    if (of !== null && !isDead(marked, of, name.slice(names.dataFolder(scope.node, of).length))) used.add(name);
  }
  return used;
}
