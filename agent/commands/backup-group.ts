import { randomBytes } from "node:crypto";
import { encodeGroupCard, type GroupCard } from "../../vault/card/index.ts";
import { ColdkeepError, FORMAT, makeSnapshotId, names, type SnapshotId } from "../../vault/names/index.ts";
import { hashed } from "../../vault/store/index.ts";
import { type BackupResult, type Freeze, makeMeeting, OtherFailed, type Seat } from "../backup/index.ts";
import type { GroupSettings } from "../config/index.ts";
import { type PreparedFreeze, prepareFreeze } from "../freeze/index.ts";
import type { Finding } from "../profiles/index.ts";
import { counted, facts, formatDuration, formatHeights, type Report, table } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { BackupFlags } from "./backup.command.ts";
import { backUp } from "./backup.ts";
import { foretellGroup } from "./backup-group-forecast.ts";
import type { Call } from "./define.ts";
import { askingOrder, assertConsistent, assertOrder, pickGroup } from "./group.ts";
import { assertRoomForAll } from "./group-room.ts";
import { assertWhole } from "./look.ts";
import { tellOutcome } from "./noticed.ts";
import { openOneVault } from "./opened.ts";
import { pickNode, readConfig, type Session, vaultIdOf } from "./session.ts";

/** One member, and what came of it. */
interface Member {
  readonly session: Session;
  /** What lies in its folders, once somebody has looked. */
  finding: Finding | null;
  result: BackupResult | null;
}

/**
 * `coldkeep backup --group`: all are prepared, stopped in the group's order, started the other way round, and then stored one
 * after the other. Where one fails all are brought back, and no set is told of.
 */
export async function run(call: Call<BackupFlags>, wanted: string): Promise<Answer> {
  const { flags, io } = call;
  if (flags.node !== undefined) {
    throw new ColdkeepError("usage", { what: "--node does not go with --group", todo: "give one of them" });
  }
  const config = readConfig(call);
  const group = pickGroup(config, wanted);
  const members = group.order.map(
    (name): Member => ({ session: { config, node: pickNode(config, name) }, finding: null, result: null }),
  );
  const profiles = members.map(({ session }) => session.node.profile);
  assertOrder(group, profiles);
  for (const member of members) member.finding = assertWhole(member.session.node);
  if (flags.dryRun === true) return foretellGroup(group, members, call);

  const id = makeSnapshotId(io.clock.now(), randomBytes(8));
  await runAll(call, group, id, members, askingOrder(profiles));
  const card: GroupCard = {
    format: FORMAT,
    vault: vaultIdOf(config),
    group: group.name,
    id,
    together: group.down === "together",
    members: members.map(({ session, result }) => memberOf(session, result)),
  };
  assertConsistent(`${group.name}/${id}`, card.members, card.together);
  call.progress.stage("group card");
  const body = hashed(encodeGroupCard(card));
  for (const vault of config.vaults) {
    const outcome = await (await openOneVault(vault, call, "write")).create(names.groupJson(group.name, id), body);
    if (!outcome.created && !outcome.same) throw taken(group.name, id);
  }
  return answerOf(card, members);
}

/** Runs all, each up to where it waits for the others. @throws the first failure, once all nodes are back. */
async function runAll(
  call: Call<BackupFlags>,
  group: GroupSettings,
  id: SnapshotId,
  members: readonly Member[],
  order: readonly number[],
): Promise<void> {
  const meeting = makeMeeting(group.order, group.down);
  const prepared: PreparedFreeze[] = [];
  // Once: whoever comes later has less free, by the copies of those before.
  let isEnough = false;
  const assertRoom = () => {
    if (!isEnough) assertRoomForAll(group.name, prepared);
    isEnough = true;
  };
  const runs: Promise<void>[] = [];
  const calls: Call<BackupFlags>[] = [];
  for (const place of order) {
    const member = members[place];
    const name = group.order[place];
    const seat = name === undefined ? undefined : meeting.seats.get(name);
    if (member === undefined || name === undefined || seat === undefined) continue;
    const own = { ...call, flags: { ...call.flags, node: name }, progress: named(call.progress, name) };
    calls.push(own);
    const within = {
      group: `${group.name}/${id}`,
      freeze: freezeWith(seat, prepared, assertRoom),
      committed: (result: BackupResult) => {
        member.result = result;
      },
    };
    const done = backUp(member.session, own, { finding: member.finding, within }).then(
      ({ failure }) => {
        seat.leave(failure);
        if (failure !== undefined) throw failure;
      },
      (error: unknown) => {
        seat.leave(error);
        throw error;
      },
    );
    runs.push(done);
    // One after the other up to here: keys are read one at a time, and heights are asked for in this order.
    await Promise.race([meeting.prepared(name), done.catch(() => {})]);
  }
  const failed = (await Promise.allSettled(runs)).flatMap((run) => (run.status === "rejected" ? [run.reason] : []));
  const failure = failed.find((error) => !(error instanceof OtherFailed)) ?? failed[0] ?? null;
  for (const own of calls) await tellOutcome("backup", own, failure);
  if (failure !== null) throw failure;
}

/** A freeze that waits for the others of the group before the stop, before the start, and before it hands its tree over. */
function freezeWith(seat: Seat, all: PreparedFreeze[], assertRoom: () => void): Freeze {
  return async (o) => {
    const prepared = await prepareFreeze({ ...o, meeting: seat });
    all.push(prepared);
    return {
      ...prepared,
      async capture(known) {
        try {
          await seat.mayStop(o.signal);
          assertRoom();
        } catch (error) {
          await prepared.abandon();
          throw error;
        }
        const tree = await prepared.capture(known);
        try {
          await seat.mayStore(o.signal);
        } catch (error) {
          await tree.release();
          throw error;
        }
        return tree;
      },
    };
  };
}

/** Says of which node it speaks. */
function named(progress: Report, node: string): Report {
  return {
    stage: (name, total) => progress.stage(`${name} ${node}`, total),
    advance: (bytes) => progress.advance(bytes),
    note: (text) => progress.note(`${node}: ${text}`),
    warn: (text) => progress.warn(`${node}: ${text}`),
    close: (failed) => progress.close(failed),
  };
}

function memberOf({ node }: Session, result: BackupResult | null): GroupCard["members"][number] {
  if (result === null) throw new Error(`no snapshot of ${node.name}, though nothing failed`);
  const { core } = result.card;
  return {
    node: node.name,
    snapshot: core.snapshot,
    profile: core.profile,
    captured: core.captured,
    ...(core.heights === undefined ? {} : { heights: core.heights }),
  };
}

function answerOf(card: GroupCard, members: readonly Member[]): Answer {
  const figures = members.flatMap(({ result }) => (result === null ? [] : [result.figures.freeze]));
  const downtimeMs = Math.max(...figures.map((freeze) => freeze.downtimeMs ?? 0));
  const ownMs = figures.reduce((sum, { freezeMs }) => sum + freezeMs, 0);
  const rows = members.map(({ session, result }) => [
    session.node.name,
    result?.snapshot ?? "-",
    formatHeights(result?.card.core.heights),
    formatDuration(result?.figures.freeze.downtimeMs ?? 0),
    formatDuration(result?.figures.freeze.freezeMs ?? 0),
  ]);
  const columns = ["NODE", "SNAPSHOT", "HEIGHT", "DOWN", "OF IT OURS"].map((title) => ({ title }));
  const text = facts([
    [
      "group",
      `${card.group}/${card.id}, ${counted(members.length, "node")} ${card.together ? "together" : "one by one"}`,
    ],
    ["downtime", `${formatDuration(downtimeMs)} at most, ${formatDuration(ownMs)} of it coldkeep's own`],
  ]);
  return {
    document: {
      group: card.group,
      id: card.id,
      together: card.together,
      downtime_ms: downtimeMs,
      own_ms: ownMs,
      members: card.members.map((member, i) => ({ ...member, figures: members[i]?.result?.figures })),
    },
    text: `${text}\n\n${table(columns, rows)}\n\nRestore it: coldkeep restore --group ${card.group} ${card.id}`,
  };
}

function taken(group: string, id: SnapshotId): ColdkeepError {
  return new ColdkeepError("vault", {
    what: "another group card has this name",
    on: names.groupJson(group, id),
    todo: "run the backup again",
  });
}
