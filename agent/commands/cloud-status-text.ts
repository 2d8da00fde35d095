import type { Alarm, Queue } from "../cloud/index.ts";
import { counted, facts, formatDuration, formatTime, table } from "../report/index.ts";
import type { Night, NodeStanding } from "./cloud-nodes.ts";

/** What was seen, or why it was not. */
export type Seen<T> = { readonly found: T } | { readonly unseen: string };

export interface CloudStatus {
  readonly stack: {
    readonly name: string;
    readonly region: string;
    /** CloudFormation's own word. */
    readonly status: string;
    /** Milliseconds since the epoch. */
    readonly changed: number;
    /** Of coldkeep, which made the stack; null where it does not tell. */
    readonly version: string | null;
  };
  /** Deployed, nothing with the dead letters, no alarm rings, and all of that could be seen. */
  readonly ok: boolean;
  readonly queues: Seen<readonly Queue[]>;
  readonly alarms: Seen<readonly Alarm[]>;
  readonly nodes: Seen<readonly NodeStanding[]>;
  readonly outputs: Readonly<Record<string, string>>;
}

const MOST_NODES = 200;

/** @param own version of this command line. */
export function statusText({ stack, queues, alarms, nodes, outputs }: CloudStatus, own: string, now: number): string {
  const version = stack.version ?? "not told";
  const rows: (readonly [string, string])[] = [
    ["stack", `${stack.name} in ${stack.region}: ${stack.status}, ${formatTime(stack.changed)}`],
    ["version", version === own ? own : `${version}; this command line is ${own}`],
    ["vault", outputs.VaultUrl ?? "-"],
    ["restore by IAM", outputs.RestoreUrl ?? "-"],
    ["restore by ticket", outputs.TicketUrl ?? "not enabled (tickets: true)"],
  ];
  const parts = [
    facts(rows),
    part(queues, "queues", queuesText),
    part(alarms, "alarms", alarmsText),
    part(nodes, "nodes", (found) => nodesText(found, now)),
  ];
  return parts.join("\n\n");
}

function part<T>(seen: Seen<T>, what: string, text: (found: T) => string): string {
  return "found" in seen ? text(seen.found) : `${what} could not be seen: ${seen.unseen}`;
}

function queuesText(queues: readonly Queue[]): string {
  return table(
    [
      { title: "QUEUE" },
      { title: "WAITING", align: "right" },
      { title: "UNDER WAY", align: "right" },
      { title: "DEAD LETTERS", align: "right" },
    ],
    queues.map(({ name, waiting, underWay, dead }) => [name, `${waiting}`, `${underWay}`, `${dead}`]),
  );
}

function alarmsText(alarms: readonly Alarm[]): string {
  const rings = alarms.filter(({ state }) => state === "ALARM");
  if (rings.length === 0) return `No alarm of ${alarms.length} rings.`;
  const rows = rings.map(({ name, since, why }) => `  ${name}, since ${formatTime(since)}: ${why}`);
  return [`${counted(rings.length, "alarm rings", "alarms ring")} (docs/OPERATIONS.md):`, ...rows].join("\n");
}

function nodesText(nodes: readonly NodeStanding[], now: number): string {
  const told = nodes
    .slice(0, MOST_NODES)
    .map((one) => [
      one.node,
      one.latest ?? (one.unseen === undefined ? "none yet" : "?"),
      one.received === undefined ? "-" : formatDuration(Math.max(0, now - one.received)),
      one.unseen ?? `${night("retention", one.retention)}; ${night("verifier", one.verifier)}`,
    ]);
  const more = nodes.length > MOST_NODES ? `\nand ${nodes.length - MOST_NODES} more: --json has all` : "";
  return `${table([{ title: "NODE" }, { title: "LATEST" }, { title: "AGE" }, { title: "LAST NIGHT" }], told)}${more}`;
}

function night(job: string, found: Night | undefined): string {
  return found === undefined ? `no ${job} yet` : `${job} ${formatTime(found.at)}: ${found.words}`;
}
