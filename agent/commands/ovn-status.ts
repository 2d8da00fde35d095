import { ColdkeepError } from "../../vault/names/index.ts";
import { DATABASES, judge, lookAt, type Standing, type Verdict } from "../ovn/index.ts";
import { formatBytes, table } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { clusterOf } from "./ovn-cluster.ts";
import { openSession } from "./session.ts";

interface DatabaseStanding extends Verdict {
  readonly database: string;
  readonly schema: string;
  readonly members: readonly Standing[];
}

/** `coldkeep ovn status`. */
export async function run(call: Call): Promise<Answer> {
  const { node } = openSession(call);
  const cluster = await clusterOf(node, call);
  const databases: DatabaseStanding[] = [];
  for (const database of DATABASES) {
    call.progress.stage(`look at ${database.key}`);
    const members = await Promise.all(cluster.members.map((member) => lookAt(member, database, call.io.signal)));
    databases.push({ database: database.key, schema: database.schema, members, ...judge(members) });
  }
  const failure = failureOf(databases);
  return {
    document: { node: node.name, cluster: cluster.label, databases },
    text: databases.map(textOf).join("\n\n"),
    ...(failure === null ? {} : { failure }),
  };
}

function failureOf(databases: readonly DatabaseStanding[]): ColdkeepError | null {
  const lost = databases.filter(({ quorum }) => quorum === "lost" || quorum === "down");
  if (lost.length > 0) {
    return new ColdkeepError("node-down", {
      what: `${lost.map(({ schema }) => schema).join(" and ")} cannot be written`,
      why: lost.map(({ quorum }) => (quorum === "lost" ? "the majority is lost" : "no server answers")).join("; "),
      todo: "bring the hosts back; where they are lost, `coldkeep ovn recover`",
    });
  }
  const [bad] = databases.flatMap(({ database, ailing }) => ailing.map((one) => ({ database, ...one })));
  if (bad === undefined) return null;
  return new ColdkeepError("integrity", {
    what: "a member is bad",
    on: bad.member,
    why: bad.why,
    todo: `\`coldkeep ovn kick ${bad.database} ${bad.member}\` takes it out and lets it join anew`,
  });
}

function textOf({ schema, quorum, members, ailing }: DatabaseStanding): string {
  const rows = members.map(({ member, serving, stored, unreachable }) => [
    member,
    serving === null ? (unreachable === null ? "no answer" : "unreachable") : serving.role,
    serving?.sid?.slice(0, 4) ?? stored?.sid?.slice(0, 4) ?? "",
    serving === null ? "" : `${serving.term ?? ""}`,
    serving === null ? "" : `${serving.index ?? ""}`,
    serving === null ? "" : serving.status,
    stored === null ? "none" : `${formatBytes(stored.size)}${stored.damage === null ? "" : ", damaged"}`,
  ]);
  const titles = ["HOST", "ROLE", "ID", "TERM", "INDEX", "STATUS", "FILE"].map((title) => ({ title }));
  const words = {
    alive: "has a leader",
    lost: "has lost its majority",
    standalone: "is served by one server, standalone",
    down: "is not served by anybody",
  };
  return [
    `${schema} ${words[quorum]}`,
    table(titles, rows),
    ...ailing.map(({ member, why }) => `${member}: ${why}`),
  ].join("\n");
}
