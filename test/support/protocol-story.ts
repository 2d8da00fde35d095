import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { listSnapshots, rebuildIndex, retainSnapshots } from "../../keeper/index.ts";
import { type IndexEntry, parseBackupList, parseHead, parseIndex } from "../../vault/card/index.ts";
import { makeVaultId, names, type SnapshotId, toNodeName } from "../../vault/names/index.ts";
import { DAY, ProtocolWorld, STRANGER, THIEF, tiersOf } from "./protocol-world.ts";

const node = toNodeName("icon");
const scope = { vault: makeVaultId(Buffer.alloc(16, 7)), node };

/** What happens next: which kind of thing, and three numbers that say how. */
export type Op = readonly [kind: number, a: number, b: number, c: number];
/** A world's setting, 0 to 7, and what happens in it: numbers only, so that fast-check can cut it down. */
export type Story = readonly [setting: number, ops: readonly Op[]];

export function stories(length: number): fc.Arbitrary<Story> {
  const op: fc.Arbitrary<Op> = fc.tuple(fc.nat(127), fc.nat(63), fc.nat(255), fc.nat(7));
  return fc.tuple(fc.nat(7), fc.array(op, { minLength: length / 2, maxLength: length, size: "max" }));
}

/** Plays a story to its end and gives what was violated; counts what happened. */
export async function play([setting, ops]: Story, happened: Map<string, number>): Promise<readonly string[]> {
  const world = new ProtocolWorld({ guarded: (setting & 3) === 1, lock: setting >= 6 ? 9 * DAY : 0 });
  const { violations } = world.seen;
  for (const one of ops) {
    await tell(world, one);
    if (violations.length > 0) return violations;
  }
  return finish(world, happened);
}

/** Lets everything come to its end and asks what must hold then; gives what was violated, and counts what happened. */
export async function finish(world: ProtocolWorld, happened: Map<string, number>): Promise<readonly string[]> {
  const { violations } = world.seen;
  await world.drain();
  world.seen.check();
  world.copySeen.check();
  if (violations.length > 0) return violations;
  await checkQuiet(world);
  for (const [what, count] of world.seen.tally) happened.set(what, (happened.get(what) ?? 0) + count);
  for (const [what, count] of world.copySeen.tally) {
    const named = what === "copied" ? what : `in the copy: ${what}`;
    happened.set(named, (happened.get(named) ?? 0) + count);
  }
  if (violations.length === 0) await checkSweptUp(world);
  return violations;
}

/** So many jobs at once are plenty. */
const CROWD = 4;
const TIMES = [60_000, 3_600_000, DAY / 2, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 8 * DAY];

async function tell(world: ProtocolWorld, [kind, a, b, c]: Op): Promise<void> {
  const pick = <T>(from: readonly T[]): T | undefined => from[a % Math.max(1, from.length)];
  const { seen } = world;
  const skew = (c - 3) * 20 * DAY;
  // Jobs that all wait for their next call never meet: of many, the oldest goes on.
  const living = world.living();
  const actor = living.length > CROWD ? living[0] : pick(living);
  const existing = (): SnapshotId | undefined => {
    const all = [...seen.cards.keys()];
    const leaving = all.filter((id) => seen.isExpired(id));
    return pick(b % 4 > 0 && leaving.length > 0 ? leaving : all);
  };
  // Mostly few calls, as what matters lies between two of them.
  if (kind < 36)
    await world.step(actor, b % 8 === 0 ? Number.POSITIVE_INFINITY : b % 8 < 5 ? 1 + (b >> 5) : 1 + (b % 64));
  else if (kind < 40) await actor?.gate.kill(b % 2 === 0);
  else if (kind < 54) {
    const host = a % 16 === 0 ? STRANGER : a % 5 === 0 ? 1 : 0;
    world.backup(host, c === 0, 1 + (c % 3), b | 1, c > 3);
  } else if (kind < 61) world.index([pick(world.events)].filter((id): id is SnapshotId => id !== undefined));
  else if (kind < 63) world.rebuild();
  else if (kind < 71) await world.step(world.retain(1 + (a % 3), skew), b % 2 === 0 ? Number.POSITIVE_INFINITY : 0);
  else if (kind < 81) await collect(world, b, c, existing());
  else if (kind < 85) {
    const id = existing();
    if (id !== undefined) world.pin(id, b % 3 > 0);
  } else if (kind < 90) {
    const id = existing();
    if (id !== undefined) world.restore(id);
  } else if (kind < 104) world.now += TIMES[c] ?? 0;
  else if (kind < 105) world.loseCaches(b % 2 === 0);
  else if (kind < 107) {
    const id = existing();
    if (world.isHurt) world.heal();
    else if (id !== undefined) world.hurt(id, b % 2 === 0);
  } else if (kind < 108) world.clone();
  else if (kind < 110) {
    if (world.guarded) world.backup(THIEF, true, 1, 1, true);
  } else await tellOther(world, kind, a, b);
  // Nothing is deleted while a card lies damaged: not too much of a story.
  if (world.isHurt && c === 7) world.heal();
  seen.check();
  world.copySeen.check();
}

/** Key rotations, and a second vault: copies into it, and its own keepers. */
async function tellOther(world: ProtocolWorld, kind: number, a: number, b: number): Promise<void> {
  const all = Number.POSITIVE_INFINITY;
  if (kind < 113) await world.step(world.rotate(), b % 32);
  else if (kind < 118) await world.step(world.copyAll(), b % 3 === 0 ? all : b % 64);
  else if (kind < 120) await world.step(world.keepCopy("index", 1), all);
  else if (kind < 123) await world.step(world.keepCopy("retain", 1 + (a % 3)), b % 2 === 0 ? all : 0);
  else await world.step(world.keepCopy("collect", a), b % 3 === 0 ? all : b % 32);
}

/** A collector, which often meets somebody between two of its calls. */
async function collect(world: ProtocolWorld, b: number, c: number, id: SnapshotId | undefined): Promise<void> {
  const all = Number.POSITIVE_INFINITY;
  const collector = world.collect(b % 4 === 0, (c - 3) * 20 * DAY);
  await world.step(collector, b % 3 === 0 ? all : b % 32);
  if (id === undefined || b % 3 === 0) return;
  if (c > 5) await world.step(world.restore(id), all);
  else if (c > 4) await world.step(world.pin(id, true), all);
  else if (c > 3) await world.step(world.retain(4, 0), all);
  else return;
  await world.step(collector, all);
}

/** Once nothing runs any more: caches agree with the cards, and with one another. */
async function checkQuiet(world: ProtocolWorld): Promise<void> {
  const { inner, seen } = world;
  const { violations } = seen;
  world.heal();
  world.index(world.events);
  await world.drain();
  const before = await entriesOf(world);
  seen.indexed({ snapshots: before });
  // I6: made anew from cards and markers, it says the same; so does a plan made twice.
  await rebuildIndex({ store: inner, node });
  const after = await entriesOf(world);
  // Why one that came too late is broken changes as its parent goes; that it is does not.
  for (const entry of [...before, ...after]) if (seen.late.has(entry.snapshot)) Object.assign(entry, { remarks: [] });
  if (!isDeepStrictEqual(before, after)) violations.push(`I6: rebuilt, the index says ${differences(before, after)}`);
  const planned = () => retainSnapshots({ store: inner, ...scope, tiers: tiersOf(2), apply: false, now: world.now });
  if (!isDeepStrictEqual((await planned()).plan, (await planned()).plan)) violations.push("I6: two plans of one vault");
  checkCaches(world, violations);
  // I12: what was reported is good, or was and has expired since, or went by the rules.
  const states = new Map(before.map((entry) => [entry.snapshot, entry]));
  for (const id of seen.reported) {
    const entry = states.get(id);
    const { core, writer } = seen.cards.get(id) ?? {};
    if (core === undefined || writer !== world.writer || seen.fateOf(id) === "collect") continue;
    if (entry?.state !== "good" && entry?.state !== "expired" && !wasOutdated(world, id, entry?.remarks[0]))
      violations.push(`I12: ${id} was reported, and is ${entry?.state}: ${entry?.remarks.join("; ")}`);
  }
  // I5: by the index's own word.
  for (const writer of new Set(before.map((entry) => entry.writer))) {
    const newest = before.find(({ writer: w, state }) => w === writer && (state === "good" || state === "expired"));
    if (newest?.state === "expired" && !seen.damaged.has(newest.snapshot))
      violations.push(`I5: ${newest.snapshot} is the newest good one, and expired`);
  }
}

/**
 * Two machines with one key outdate each other's parents; where retention died before it told the index, the host could
 * not know. The command line does, once it lists the snapshot, and the next run starts anew.
 */
function wasOutdated({ events, hosts }: ProtocolWorld, id: SnapshotId, remark = ""): boolean {
  const host = hosts.get(id);
  const others = events.some((other) => hosts.get(other) !== host && hosts.get(other) !== STRANGER);
  return /^its parent \S+ had expired/.test(remark) && others;
}

/** I7 */
function checkCaches({ inner }: ProtocolWorld, violations: string[]): void {
  const read = (name: string) => inner.objects.get(name)?.bytes ?? new Uint8Array();
  const index = parseIndex(read(names.indexJson(node)));
  const { generation, newest } = parseHead(read(names.headJson(node)));
  if (generation !== index.generation) violations.push(`I7: head ${generation}, index ${index.generation}`);
  const good = index.snapshots.filter(({ state, remarks }) => state === "good" && remarks.length === 0);
  const listed = parseBackupList(read(names.backupList(node)));
  if (
    !isDeepStrictEqual(
      listed,
      good.map(({ snapshot }) => snapshot),
    )
  )
    violations.push("I7: backup_list is not the index");
  if (newest !== good[0]?.snapshot)
    violations.push(`I7: head calls ${newest} the newest, the index ${good[0]?.snapshot}`);
}

const WEEKS = 8;

/** I11: once faults stop, what nobody uses is gone within a few graces, and nothing else is. */
async function checkSweptUp(world: ProtocolWorld): Promise<void> {
  const { inner, seen } = world;
  for (const id of world.cardIds()) world.pin(id, false);
  await world.drain();
  world.guarded = false;
  for (let week = 0; week < WEEKS; week += 1) {
    world.now += 8 * DAY;
    // Broken ones are shown for a month, counted to the newest snapshot.
    if (week === 0 || week === 4) world.backup(0, true, 2, 0);
    await world.drain();
    world.index(world.events.filter((id) => inner.objects.has(names.card(node, id))));
    await world.drain();
    world.retain(1, 0);
    await world.drain();
    world.collect(true, 0);
    await world.drain();
    seen.check();
  }
  const used = new Set<string>();
  const about = new Set<string>();
  for (const { core, wanted } of seen.cards.values()) {
    for (const name of wanted.keys()) used.add(name);
    for (const { snapshot } of core.origins) about.add(snapshot);
    about.add(core.snapshot);
  }
  // What a run took over goes with it.
  for (let more = true; more; ) {
    const adopted = [...seen.adopted].filter(([id, by]) => about.has(by) && !about.has(id));
    for (const [id] of adopted) about.add(id);
    more = adopted.length > 0;
  }
  const left = [...inner.objects.keys()].filter((name) => !used.has(name) && isLitter(name, seen, about));
  if (left.length > 0) seen.violations.push(`I11: after ${WEEKS} graces there still is ${left.join(" ")}`);
}

/** What must be gone: data in no use, and records of what is neither there, nor an origin of what is, nor went into it. */
function isLitter(name: string, seen: ProtocolWorld["seen"], about: ReadonlySet<string>): boolean {
  const [, folder, file = "", short = ""] = name.split("/");
  if (folder === "data") {
    const isList = /^packs-|^key\.json/.test(short);
    return !((isList || seen.adopted.has(file as SnapshotId)) && about.has(file));
  }
  if (folder !== "snapshots" && folder !== "begins" && folder !== "pins") return false;
  return ![...about].some((id) => file.startsWith(id));
}

async function entriesOf(world: ProtocolWorld): Promise<IndexEntry[]> {
  const entries = [];
  for await (const entry of listSnapshots({ store: world.inner, node })) entries.push(entry);
  return entries;
}

function differences(before: readonly IndexEntry[], after: readonly IndexEntry[]): string {
  const told = (entries: readonly IndexEntry[]) =>
    entries.map(({ snapshot, state, remarks }) => `${snapshot} ${state} ${remarks.join("; ")}`);
  const [then, now] = [told(before), told(after)];
  return `${now.filter((line) => !then.includes(line)).join(", ")}, and said ${then.filter((line) => !now.includes(line)).join(", ")}`;
}
