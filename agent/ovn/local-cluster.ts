import type { Clock } from "../../posix/clock.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { DATABASES } from "./databases.ts";
import { until } from "./pause.ts";
import { failed, makeShell, quoted } from "./shell.ts";
import type { Cluster, Member } from "./types.ts";

/** One host as the configuration has it. */
export interface LocalMember {
  readonly name: string;
  /** The words before a text for its shell, such as `ssh root@10.0.0.2`; absent: this host's. */
  readonly shell?: readonly string[];
  readonly data: string;
  readonly run: string;
  readonly log: string;
  /** Texts for that shell, or what this host's service manager does. */
  readonly stop: string | ((signal: AbortSignal) => Promise<void>);
  readonly start: string | ((signal: AbortSignal) => Promise<void>);
}

export interface ClusterLimits {
  /** Milliseconds that one member may take to stop and to start. */
  readonly stopMs: number;
  readonly startMs: number;
  readonly clock: Clock;
}

/** Hosts that are stopped and started by commands, one after another. */
export function localCluster(hosts: readonly LocalMember[], limits: ClusterLimits): Cluster {
  const all = hosts.map((host) => {
    const member: Member = { ...host, sh: makeShell(() => host.shell ?? ["/bin/sh", "-c"]) };
    return { host, member };
  });
  const members = all.map(({ member }) => member);

  async function perform(
    { host, member }: (typeof all)[number],
    what: "stop" | "start",
    signal: AbortSignal,
  ): Promise<void> {
    const how = host[what];
    if (typeof how !== "string") return how(signal);
    const timeoutMs = what === "stop" ? limits.stopMs : limits.startMs;
    const result = await member.sh(how, { signal, timeoutMs });
    if (result.status !== 0) throw failed(member, result, `its databases could not be ${words[what]}`);
  }

  async function stop(one: (typeof all)[number], signal: AbortSignal): Promise<void> {
    await perform(one, "stop", signal);
    const gone = () => answers(one.member, signal).then((yes) => !yes);
    if (await until(gone, { clock: limits.clock, limitMs: limits.stopMs, signal })) return;
    throw new ColdkeepError("node-stop", {
      what: "a server of the databases still answers",
      on: one.member.name,
      why: `its command for stopping ended ${limits.stopMs / 1000} s ago`,
      todo: "stop it by hand, then run this again: it goes on where it was",
    });
  }

  return {
    label: members.map(({ name }) => name).join(", "),
    members,
    replicas: async () => hosts.length,
    async stopAll(signal) {
      for (const one of all) await stop(one, signal);
    },
    async startAll(_replicas, signal) {
      for (const one of all) await perform(one, "start", signal);
    },
    async restart(member, signal) {
      const one = all.find((each) => each.member === member);
      if (one === undefined) return;
      await stop(one, signal);
      await perform(one, "start", signal);
    },
    words: {
      stop: `stop the databases on ${members.map(({ name }) => name).join(", ")}`,
      start: `start the databases on ${members.map(({ name }) => name).join(", then ")}`,
      restart: ({ name }) => `stop and start the databases on ${name}`,
    },
  };
}

const words = { stop: "stopped", start: "started" };

/** Whether a server of one of the databases listens there. */
async function answers({ run, sh }: Member, signal: AbortSignal): Promise<boolean> {
  const ask = DATABASES.map(({ stem }) => `ovs-appctl -T 3 -t ${quoted(`${run}/${stem}.ctl`)} version`).join(" || ");
  return (await sh(`{ ${ask}; } >/dev/null 2>&1`, { signal })).status === 0;
}
