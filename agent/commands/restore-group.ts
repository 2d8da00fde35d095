import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { isLatestMaterial, listSnapshots } from "../../keeper/index.ts";
import { type GroupCard, parseGroupCard } from "../../vault/card/index.ts";
import { ColdkeepError, messageOf, names, type SnapshotId, systemCode, toSnapshotId } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import type { GroupSettings } from "../config/index.ts";
import { counted } from "../report/index.ts";
import { planRestore, type RestoreOptions, type RestorePlan, type RestoreResult } from "../restore/index.ts";
import { lockNode } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import { controlOf } from "./control.ts";
import type { Call } from "./define.ts";
import { assertConsistent, pickGroup } from "./group.ts";
import { findLeftovers, type Leftovers } from "./leftover-containers.ts";
import { findingOf } from "./look.ts";
import { openVault } from "./opened.ts";
import { pendingMoves, restoreWith } from "./pending-moves.ts";
import { planRebuild } from "./rebuild-databases.ts";
import { recover } from "./recover.ts";
import { warnWhereRefused } from "./refused-now.ts";
import type { RestoreFlags } from "./restore.command.ts";
import { optionsFor, planDocument } from "./restore.ts";
import { type GroupStart, startInOrder } from "./restore-group-start.ts";
import { confirmReplacing, learnSpeed, type Outlook, outlookOf, outlookText } from "./restore-outlook.ts";
import { type Ending, endingOf, endingText } from "./restore-start.ts";
import { planText, resultText } from "./restore-text.ts";
import { pickNode, readConfig, type Session, scopeOf } from "./session.ts";
import { whySignsTwice } from "./signing.ts";

/** A group card has a few hundred bytes a node. */
const MAX_GROUP_CARD = 4 << 20;

/** One node of a set, ready to be restored. */
interface Planned {
  readonly session: Session;
  readonly options: RestoreOptions;
  readonly plan: RestorePlan;
  readonly outlook: Outlook | null;
  readonly ending: Ending;
}

/**
 * `coldkeep restore --group`: all nodes of one set. Nothing is written before all are planned, and fit together. Each node
 * is swapped in by itself: where a later one fails, the same command goes on with it. Once all are in place they are started,
 * the other way round.
 */
export async function run(call: Call<RestoreFlags>, wanted: string, id: string | undefined): Promise<Answer> {
  const { flags, io, progress } = call;
  assertAlone(flags);
  const config = readConfig(call);
  const group = pickGroup(config, wanted);
  const sessions = group.order.map((name): Session => ({ config, node: pickNode(config, name) }));
  const dry = flags.dryRun === true;
  const inPlace = flags.to === undefined;
  using locks = new DisposableStack();
  for (const { node } of dry ? [] : sessions) {
    const label = `coldkeep restore --group ${group.name}`;
    locks.use(lockNode(config.stateDir, node.name, "restore", label));
    if (inPlace) locks.use(lockNode(config.stateDir, node.name, "node", label));
  }
  if (inPlace && !dry) for (const session of sessions) await recover(session, controlOf(session.node), call);

  for (const { node } of inPlace && !dry && flags.force !== true ? sessions : []) {
    const signing = whySignsTwice(node);
    if (signing !== null) throw signing;
  }

  const endings = new Map(sessions.map(({ node }) => [node.name, endingOf(flags, node)]));

  const store = await openVault(config, call, "read");
  if (flags.to !== undefined && !dry) makeFolder(flags.to);
  progress.stage("plan");
  const card = await cardOf(store, sessions, group, id);
  const planned = await planAll(call, store, sessions, card, endings);
  progress.close();
  const leftovers = new Map<string, Leftovers>();
  for (const { session } of inPlace ? planned : []) {
    const found = await findLeftovers(session.node, call);
    if (found !== null) leftovers.set(session.node.name, found);
  }
  const rebuilds = new Map(inPlace ? planned.map((one) => [one.session.node.name, rebuildOf(one, flags)]) : []);
  const text = planned
    .map(({ session: { node }, plan, outlook, ending }) =>
      [node.name, planText(plan, outlookText(outlook), endingText(ending)), leftovers.get(node.name)?.text ?? []]
        .flat()
        .join("\n"),
    )
    .join("\n\n");
  const head = { group: card.group, id: card.id };
  if (dry) {
    for (const { options } of inPlace ? planned : []) await warnWhereRefused(options, call);
    const plans = planned.map(({ session, plan, outlook }) => ({
      node: session.node.name,
      plan: planDocument(plan),
      outlook,
    }));
    return { document: { ...head, members: plans }, text };
  }
  if (flags.json !== true) io.stdout.write(`${text}\n\n`);
  await confirmReplacing(
    planned.map(({ plan }) => plan),
    call,
  );
  const results = new Map<string, Restored>();
  for (const { session, plan, options } of planned) {
    const steps = (await leftovers.get(session.node.name)?.remove()) ?? [];
    const pending = inPlace ? pendingMoves(config.stateDir, session.node) : null;
    const result = await restoreWith(pending, plan, options);
    learnSpeed(result, session, call);
    progress.stage("settle");
    // Before anything starts.
    const moved = pending?.carryOut(plan) ?? [];
    await rebuilds.get(session.node.name)?.(call);
    results.set(session.node.name, { result, steps, moved });
  }
  // The plans are in the group's order, as it is stopped in.
  const end = await startInOrder(
    planned.toReversed().map(({ session: { node }, plan, ending }) => ({ node, heights: plan.heights, ending })),
    call,
  );
  const answer = answerOf(card, planned, results, inPlace, end);
  if (end.failure === null) return answer;
  // What was done, and where old data was kept, is told all the same.
  progress.close(true);
  if (flags.json !== true) io.stdout.write(`${answer.text}\n\n`);
  throw end.failure;
}

/** Of a group, the nodes whose configuration says how are those whose databases are made anew. @throws ColdkeepError. */
function rebuildOf({ session: { node }, plan }: Planned, { rebuildDbs, ...flags }: RestoreFlags) {
  const isMeant = rebuildDbs === true && node.system.rebuild !== undefined;
  return planRebuild({ node, finding: findingOf(node), plan, flags: { ...flags, ...(isMeant ? { rebuildDbs } : {}) } });
}

interface Restored {
  readonly result: RestoreResult;
  /** What was moved afterwards, in words. */
  readonly moved: readonly string[];
  /** Of the profile's words, those that were done. */
  readonly steps: readonly string[];
}

function answerOf(
  { group, id }: GroupCard,
  planned: readonly Planned[],
  results: ReadonlyMap<string, Restored>,
  inPlace: boolean,
  end: GroupStart,
): Answer {
  const done = planned.flatMap(({ session: { node }, plan }) => {
    const restored = results.get(node.name);
    return restored === undefined ? [] : [{ node, plan, ...restored }];
  });
  const texts = done.map(({ node, result, steps, moved }) =>
    [node.name, resultText(result, node, inPlace, { ...end.after.get(node.name), steps }), ...moved].join("\n"),
  );
  const members = done.map(({ node, plan, result, moved }) => ({
    node: node.name,
    result: { ...result, plan: planDocument(plan), ...(moved.length === 0 ? {} : { moved }) },
  }));
  const start = done.map(({ node }) => node.name).toReversed();
  return {
    document: { group, id, members, start, ...(inPlace ? { started: end.started } : {}) },
    text: [...texts, `${counted(done.length, "node")} of ${group}/${id}. ${end.words}`].join("\n\n"),
  };
}

/** Reads and proves all, and that they are one set. @throws ColdkeepError as planRestore; `integrity`, `refused`. */
async function planAll(
  call: Call<RestoreFlags>,
  store: Store,
  sessions: readonly Session[],
  card: GroupCard,
  endings: ReadonlyMap<string, Ending>,
): Promise<readonly Planned[]> {
  const { to, group: _group, ...flags } = call.flags;
  const planned: Planned[] = [];
  for (const session of sessions) {
    const { node } = session;
    const member = card.members.find(({ node: name }) => name === node.name);
    if (member === undefined) throw missing(card, node.name);
    const own = {
      ...call,
      flags: { ...flags, node: node.name, ...(to === undefined ? {} : { to: join(to, node.name) }) },
    };
    const options = await optionsFor(session, store, own, { by: "id", id: member.snapshot }, null);
    const plan = await planRestore(options);
    const { group } = plan.opened.card.core;
    if (group !== `${card.group}/${card.id}`) throw foreign(card, node.name, group);
    const ending = endings.get(node.name) ?? { start: false, why: null };
    const outlook = await outlookOf(plan, session, own);
    planned.push({ session, options, plan, outlook, ending });
  }
  // By their own cards, which are signed; the group's card only said where they are.
  const members = planned.map(({ plan }) => {
    const { node, profile, captured, heights } = plan.opened.card.core;
    return { node, profile, captured, ...(heights === undefined ? {} : { heights }) };
  });
  assertConsistent(`${card.group}/${card.id}`, members, card.together);
  return planned;
}

/** The set of that id, or the latest that was finished. @throws ColdkeepError `not-found`. */
async function cardOf(
  store: Store,
  sessions: readonly Session[],
  group: GroupSettings,
  id: string | undefined,
): Promise<GroupCard> {
  const [first] = sessions;
  if (id !== undefined && id !== "latest") {
    const found = await readCard(store, first, group, toSnapshotId(id));
    if (found !== null) return found;
    throw none(group, `there is no set ${id}`);
  }
  if (first === undefined) throw none(group, "it has no nodes");
  for await (const entry of listSnapshots({ store, ...scopeOf(first.config, first.node.name) })) {
    if (entry.group?.startsWith(`${group.name}/`) !== true || !isLatestMaterial(entry)) continue;
    // One whose other members failed has no card.
    const found = await readCard(store, first, group, toSnapshotId(entry.group.slice(group.name.length + 1)));
    if (found !== null) return found;
  }
  throw none(group, `of no good snapshot of ${first.node.name} there is a set`);
}

async function readCard(
  store: Store,
  session: Session | undefined,
  { name }: GroupSettings,
  id: SnapshotId,
): Promise<GroupCard | null> {
  const found = await store.get(names.groupJson(name, id), { maxBytes: MAX_GROUP_CARD });
  if (found === null) return null;
  const vault = session?.config.vaultId;
  return parseGroupCard(found.bytes, { ...(vault === undefined ? {} : { vault }), group: name, id });
}

/** The folder that the nodes' own folders are to lie in; the one above it must be there. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) === "EEXIST") return;
    throw new ColdkeepError(systemCode(error) === "EACCES" ? "permission" : "refused", {
      what: "cannot make the folder to restore to",
      on: path,
      why: messageOf(error),
      todo: "make it first, as the user that runs coldkeep",
      cause: error,
    });
  }
}

function assertAlone({
  node,
  at,
  height,
  include,
  exclude,
  from,
  deltaFrom,
  blocks,
  rebuildTo,
}: RestoreFlags & { readonly node?: string }): void {
  const given = Object.entries({
    node,
    at,
    height,
    include,
    exclude,
    from,
    "delta-from": deltaFrom,
    blocks,
    "rebuild-to": rebuildTo,
  });
  const [other] = given.filter(([, value]) => value !== undefined);
  if (other === undefined) return;
  throw new ColdkeepError("usage", {
    what: `--${other[0]} does not go with --group`,
    why: "all nodes of a set are restored, whole",
    todo: "name a set by its id, or restore one node with --node",
  });
}

function none({ name }: GroupSettings, why: string): ColdkeepError {
  return new ColdkeepError("not-found", {
    what: "there is no such set of this group",
    on: name,
    why,
    todo: `\`coldkeep backup --group ${name}\` makes one`,
  });
}

function missing({ group, id, members }: GroupCard, node: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "the set lacks a node of the group",
    on: `${group}/${id}`,
    why: `${node} is in the configuration; in the set are ${members.map(({ node: name }) => name).join(", ")}`,
    todo: "take the node out of the group's order to restore the others, or choose a later set",
  });
}

function foreign({ group, id }: GroupCard, node: string, found: string | undefined): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "the group card names a snapshot that is not of its set",
    on: `${group}/${id}`,
    why: `the signed card of ${node} says ${found ?? "that it is of no group"}`,
    todo: "somebody else wrote this group card: take another set, and find out who writes into the vault",
  });
}
