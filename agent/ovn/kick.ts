import type { Clock } from "../../posix/clock.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { until } from "./pause.ts";
import { awayName, type Step } from "./recover-steps.ts";
import { must, quoted } from "./shell.ts";
import { askServer, lookAt, type Serving } from "./standing.ts";
import type { Cluster, Database, Member } from "./types.ts";

/** A member that was heard of within this time counts as alive. */
const SILENT_MS = 10_000;

export interface KickOptions {
  readonly cluster: Cluster;
  readonly database: Database;
  /** A member's name, or a server id (its first four letters or all). */
  readonly who: string;
  readonly clock: Clock;
  readonly joinMs: number;
  readonly signal: AbortSignal;
}

export interface KickPlan {
  /** The short server id. */
  readonly sid: string;
  readonly address: string;
  /** Null where it is none of the members that can be reached: then it is only taken out. */
  readonly member: string | null;
  readonly why: string;
  readonly steps: readonly Step[];
}

/**
 * Takes one member out of a cluster whose majority lives, moves its file away and lets it join anew.
 * @throws ColdkeepError `refused` where the majority is lost or would be; `not-found` for an unknown member.
 */
export async function planKick(options: KickOptions): Promise<KickPlan> {
  const { cluster, database, who, clock, signal } = options;
  const { schema } = database;
  const speaker = await speakerOf(options);
  const { servers } = speaker.serving;
  const standings = await Promise.all(cluster.members.map((each) => lookAt(each, database, signal)));
  const byName = standings.find(({ member }) => member === who);
  const known = (byName?.serving?.sid ?? byName?.stored?.sid ?? null)?.slice(0, 4);
  // A member whose file is gone or unreadable is known to the others by its address alone.
  const target =
    servers.find(({ id }) => id === (known ?? who.slice(0, 4).toLowerCase())) ??
    servers.find(({ address }) => hostOf(address) === who);
  if (target === undefined && byName?.unreachable === null && byName.serving?.status !== "cluster member") {
    // An earlier run was cut off after the kick: what is left is to let it join.
    const member = cluster.members.find(({ name }) => name === who) as Member;
    const sid = known ?? "";
    const run = stampOf(clock);
    return { sid, address: "", member: who, why: "it is out already", steps: joinSteps(options, member, run) };
  }
  if (target === undefined) {
    throw new ColdkeepError("not-found", {
      what: `there is no such member of ${schema}`,
      on: who,
      why: `known are ${servers.map(({ id, address }) => `${id} at ${address}`).join(", ")}`,
    });
  }
  const others = servers.filter(({ id }) => id !== target.id);
  const alive = others.filter(({ self, silentMs }) => self || (silentMs !== null && silentMs < SILENT_MS)).length;
  if (alive * 2 <= others.length) {
    throw new ColdkeepError("refused", {
      what: `without ${target.id} ${schema} would have no majority`,
      why: `of ${others.length} others ${alive} are alive`,
      todo: "bring the others up first; where they are lost, `coldkeep ovn recover`",
    });
  }
  const found = standings.find(
    ({ serving, stored, unreachable, member }) =>
      unreachable === null &&
      ((serving?.sid ?? stored?.sid)?.slice(0, 4) === target.id || hostOf(target.address) === member || member === who),
  );
  const member = cluster.members.find(({ name }) => name === found?.member) ?? null;
  const kick: Step = {
    name: "kick",
    lines: [`ovs-appctl cluster/kick ${schema} ${target.id} (${target.address}), asked of ${speaker.member.name}`],
    async perform() {
      const ctl = quoted(`${speaker.member.run}/${database.stem}.ctl`);
      await must(
        speaker.member,
        `ovs-appctl -T 30 -t ${ctl} cluster/kick ${schema} ${target.id}`,
        "it could not be kicked",
        { signal },
      );
      const isOut = async () => {
        const serving = await askServer(speaker.member, database, signal);
        return serving?.servers.every(({ id }) => id !== target.id) === true;
      };
      await orThrow(isOut, options, `${target.id} is still a member`);
    },
  };
  const steps = [kick, ...(member === null ? [] : joinSteps(options, member, stampOf(clock)))];
  const ill = standings.find((each) => each.member === member?.name);
  const why =
    ill?.recordError ?? ill?.stored?.damage ?? (ill?.serving === null ? "no server answers there" : "it was asked for");
  return { sid: target.id, address: target.address, member: member?.name ?? null, why, steps };
}

/** What lets a member that is out join anew. */
function joinSteps(options: KickOptions, member: Member, run: string): Step[] {
  const { cluster, database, signal } = options;
  const { file } = database;
  return [
    {
      name: "move away",
      lines: [`mv ${file} ${awayName(file, run)} on ${member.name}`],
      async perform() {
        const [from, to] = [quoted(`${member.data}/${file}`), quoted(`${member.data}/${awayName(file, run)}`)];
        await must(member, `[ ! -e ${from} ] || mv ${from} ${to}`, "its file could not be moved away", { signal });
      },
    },
    {
      name: "restart",
      lines: [cluster.words.restart(member)],
      perform: () => cluster.restart(member, signal),
    },
    {
      name: "join",
      lines: [`wait until ${member.name} is a member again`],
      async perform() {
        const isIn = async () => {
          const serving = await askServer(member, database, signal);
          return serving?.status === "cluster member" && serving.leader !== "unknown";
        };
        await orThrow(isIn, options, `${member.name} has not joined`);
      },
    },
  ];
}

/** Names what is moved away by one run. */
function stampOf(clock: Clock): string {
  return new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, "");
}

async function orThrow(
  isSo: () => Promise<boolean>,
  { clock, joinMs, signal }: KickOptions,
  not: string,
): Promise<void> {
  if (await until(isSo, { clock, limitMs: joinMs, signal })) return;
  throw new ColdkeepError("refused", {
    what: not,
    why: `${joinMs / 1000} s have passed`,
    todo: "see `coldkeep ovn status`, and that member's log",
  });
}

/** A member to ask, the leader first. */
async function speakerOf({ cluster, database, signal }: KickOptions): Promise<{ member: Member; serving: Serving }> {
  const all: { member: Member; serving: Serving }[] = [];
  for (const member of cluster.members) {
    const serving = await askServer(member, database, signal);
    if (serving?.status === "cluster member") all.push({ member, serving });
  }
  const leader = all.find(({ serving }) => serving.role === "leader");
  if (leader !== undefined) return leader;
  throw new ColdkeepError("refused", {
    what: `${database.schema} has no leader that can be asked`,
    on: cluster.label,
    why: all.length === 0 ? "no member answers" : "its majority is lost, or its leader cannot be reached",
    todo: "see `coldkeep ovn status`; where the majority is lost, `coldkeep ovn recover`",
  });
}

/** `tcp:[10.0.0.1]:6643`, `ssl:10.0.0.1:6643` → 10.0.0.1. */
function hostOf(address: string): string {
  return (
    /^\w+:(?:\[([^\]]+)\]|([^:]+)):\d+$/
      .exec(address)
      ?.slice(1)
      .find((part) => part !== undefined) ?? address
  );
}
