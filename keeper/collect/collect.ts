import { encodeFate } from "../../vault/card/index.ts";
import { names, type SnapshotId } from "../../vault/names/index.ts";
import { clockBrake } from "../../vault/retain/index.ts";
import type { ApprovedPlan } from "../../vault/store/facets.ts";
import { createRecord } from "../create.ts";
import { readIndex } from "../index-files.ts";
import { indexSnapshots } from "../index-snapshots.ts";
import { assertMayChange } from "../may-change.ts";
import { type NodeScope, readNode } from "../read.ts";
import { readFate } from "../retain/grace.ts";
import { type Scan, scanNode } from "../retain/scan.ts";
import { indexEntries } from "../select.ts";
import { storeTime } from "../store-clock.ts";
import { approvePlan, narrow, split } from "./approve.ts";
import { type Due, findDue } from "./due.ts";
import { type Found, findDead, type Run } from "./find-dead.ts";
import { namesUsedSince } from "./late.ts";
import { abandon, findOrphans } from "./orphans.ts";
import type { CollectOptions, CollectOutcome } from "./types.ts";

/**
 * Deletes what no snapshot uses any more: of snapshots whose grace is over, of runs that never ended, and, where asked, of
 * folders nobody tells of (docs/FORMAT.md, "Retention"). What is in use is told by the cards alone. Any run may die
 * anywhere, and may be run again; several at once do no harm.
 * @throws ColdkeepError `refused`, `integrity` where something cannot be understood: then nothing of this node goes.
 */
export async function collectGarbage(options: CollectOptions): Promise<CollectOutcome> {
  const { store, apply, despite = new Set() } = options;
  if (apply) await assertMayChange(store);
  const node = await readNode(store, options.node, options.vault);
  const scope: NodeScope = { vault: node.vault, node: node.node };
  const run: Run<CollectOptions> = { options, scope, now: apply ? await storeTime(store, scope) : options.now };
  const scan = await scanNode(store, node.node);
  const times = [...scan.begins.values()].map(({ receivedAt }) => ({ received: receivedAt }));
  const brake = clockBrake(times, run.now);
  if (brake !== null && !despite.has("clock")) return { ...NOTHING, foreign: scan.foreign, held: [brake] };
  const due = await findDue(store, scope, scan, run.now, options.grace);
  const orphans = await findOrphans(store, scope, scan, run.now - options.grace, new Set(due.rounds.keys()));
  return apply ? applyRun(run, due, orphans) : planRun(run, scan, due, orphans);
}

const NOTHING: CollectOutcome = {
  collected: [],
  postponed: [],
  abandoned: [],
  dead: [],
  locked: [],
  foreign: [],
  held: [],
};

/** As it would be: what is given up would go like what is collected. */
async function planRun(
  run: Run<CollectOptions>,
  scan: Scan,
  due: Due,
  orphans: readonly SnapshotId[],
): Promise<CollectOutcome> {
  const found = await findDead(run, scan, new Set([...due.rounds.keys(), ...orphans]), due.pinEnds);
  const { objects, records, foreign } = found;
  const collected = [...due.rounds.keys()];
  return {
    ...NOTHING,
    collected,
    postponed: due.postponed,
    abandoned: orphans,
    dead: [...objects, ...records],
    foreign,
  };
}

async function applyRun(run: Run<CollectOptions>, due: Due, orphans: readonly SnapshotId[]): Promise<CollectOutcome> {
  const { options, scope, now } = run;
  const { store, grace } = options;
  await tellIndex(run, due);
  const decided = await decideFates(run, due);
  const abandoned = await abandon(store, scope, orphans);
  // Again, now that the fates are there: whoever pinned, rescued or committed before them is seen, nobody can after.
  const scan = await scanNode(store, scope.node);
  const again = await findDue(store, scope, scan, now, grace);
  const collecting = new Set([...again.rounds.keys()].filter((id) => decided.has(id)));
  const found = await findDead(run, scan, collecting, again.pinEnds);
  const lost = await abandon(store, scope, found.lost);

  const all = [...found.objects, ...found.records];
  const { locked, used } =
    all.length === 0 ? NOTHING_LEFT : await deleteAll(run, scan, collecting, found, Math.max(due.since, again.since));
  if (collecting.size > 0) await indexSnapshots({ store, vault: scope.vault, node: scope.node, ids: [...collecting] });
  return {
    ...NOTHING,
    collected: [...collecting],
    postponed: again.postponed,
    abandoned: [...abandoned, ...lost],
    dead: all.filter(({ name }) => !used.has(name)),
    locked,
    foreign: found.foreign,
  };
}

/** Names of what was found dead and stays. */
interface Left {
  /** The store protects it. */
  readonly locked: readonly string[];
  /** A card that came meanwhile uses it. */
  readonly used: ReadonlySet<string>;
}

const NOTHING_LEFT: Left = { locked: [], used: new Set() };

/**
 * Deletes data, then records: those of a snapshot are what finds its data again, so they stay while any of that did that
 * nobody uses.
 */
async function deleteAll(
  run: Run<CollectOptions>,
  scan: Scan,
  collecting: ReadonlySet<SnapshotId>,
  found: Found,
  notBefore: number,
): Promise<Left> {
  const { options, scope } = run;
  const { store } = options;
  const plan = await approvePlan(store, scope, [...found.objects, ...found.records], notBefore);
  // What goes with a snapshot its fate tells of.
  const untold = found.objects.filter(({ of }) => of !== null && !collecting.has(of) && found.usersOf(of).length === 0);
  const used = await namesUsedSince(run, scan, untold);
  const records = new Map(found.records.map(({ name, of }) => [name, of]));
  const locked: string[] = [];
  const held = new Set<SnapshotId | null>();
  for await (const { name, outcome } of store.delete(
    narrow(plan, ({ name }) => !records.has(name) && !used.has(name)),
  )) {
    if (outcome === "locked") locked.push(name);
  }
  const kept = new Set(locked);
  for (const { name, of } of found.objects) {
    if (of === null || !kept.has(name)) continue;
    held.add(of);
    for (const user of found.usersOf(of)) held.add(user);
  }
  const ofRecords = narrow(plan, ({ name }) => records.has(name));
  for (const [of, part] of split(ofRecords, ({ name }) => records.get(name) ?? null)) {
    if (!held.has(of)) await deleteInOrder(store, part, of !== null, locked);
  }
  return { locked, used };
}

/**
 * Deletes what was said of one snapshot, up to the first that stays, if it is to be `strict`: a card whose begin went
 * before it would make those on top of it broken, and the fate is to stay as long as anything does.
 */
async function deleteInOrder(
  store: CollectOptions["store"],
  part: ApprovedPlan,
  strict: boolean,
  locked: string[],
): Promise<void> {
  for await (const { name, outcome } of store.delete(part)) {
    if (outcome === "locked") locked.push(name);
    // Gone, or not as it was planned: somebody put something else there meanwhile.
    const stays = outcome === "locked" || (outcome === "gone" && (await store.head(name)) !== null);
    if (strict && stays) return;
  }
}

/**
 * Before the fates the index must say that these have expired, whoever died before telling it: the indexer believes a
 * parent good of which the index says so, and a card on top of it that came after the last listing would not keep what
 * it uses.
 */
async function tellIndex({ options, scope }: Run<CollectOptions>, due: Due): Promise<void> {
  if (due.rounds.size === 0) return;
  const { store } = options;
  const { index } = await readIndex(store, scope);
  if (index === null) return;
  const behind: SnapshotId[] = [];
  for await (const { snapshot, state } of indexEntries(store, scope, index)) {
    if (state === "good" && due.rounds.has(snapshot)) behind.push(snapshot);
  }
  if (behind.length > 0) await indexSnapshots({ store, vault: scope.vault, node: scope.node, ids: behind });
}

/** Puts the word that a snapshot goes. Where there is one already it holds, whoever said it. */
async function decideFates({ options, scope }: Run<CollectOptions>, due: Due): Promise<ReadonlySet<SnapshotId>> {
  const { store } = options;
  const decided = new Set<SnapshotId>();
  for (const [snapshot, round] of due.rounds) {
    const fate = encodeFate({ format: 1, ...scope, snapshot, round, fate: "collect" });
    const { created } = await createRecord(store, names.fate(scope.node, snapshot, round), fate);
    if (created || (await readFate(store, scope, snapshot, round)) === "collect") decided.add(snapshot);
  }
  return decided;
}
