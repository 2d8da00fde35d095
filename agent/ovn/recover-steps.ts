import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../posix/clock.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { DATABASES } from "./databases.ts";
import { until } from "./pause.ts";
import type { RecoverPlan } from "./recover-plan.ts";
import { must, quoted } from "./shell.ts";
import { askServer } from "./standing.ts";
import type { Cluster, Database, Member } from "./types.ts";

/** One step of the runbook. Doing it again changes nothing. */
export interface Step {
  readonly name: string;
  /** What will happen, a line each, for people. */
  readonly lines: readonly string[];
  perform(signal: AbortSignal): Promise<void>;
}

export interface StepContext {
  readonly cluster: Cluster;
  readonly plan: RecoverPlan;
  /** A folder of this host, private, that keeps the converted databases. */
  readonly folder: string;
  readonly clock: Clock;
  /** Milliseconds that the members may take to find one another. */
  readonly joinMs: number;
  /** What was found out on the way, for people. */
  readonly note: (text: string) => void;
}

/** What a file is called while it is away. */
export function awayName(file: string, run: string): string {
  return `${file}.coldkeep-${run}`;
}

export function databaseOf(key: Database["key"]): Database {
  return DATABASES.find((each) => each.key === key) as Database;
}

/** The runbook of a majority that is lost, in order. */
export function stepsOf(context: StepContext): readonly Step[] {
  const { cluster, plan } = context;
  const first = cluster.members[0] as Member;
  const databases = plan.sources.map(({ database }) => databaseOf(database));
  const kept = ({ file }: Database) => join(context.folder, file);
  return [
    {
      name: "stop",
      lines: [`${cluster.words.stop} (${plan.replicas} to be brought back)`],
      perform: (signal) => cluster.stopAll(signal),
    },
    {
      name: "convert",
      lines: plan.sources.map(({ database, from, why }) => {
        const { file } = databaseOf(database);
        return "member" in from
          ? `ovsdb-tool cluster-to-standalone ${file} of ${from.member} (${why}), kept as ${kept(databaseOf(database))}`
          : `take ${from.file} for ${file}, kept as ${kept(databaseOf(database))}`;
      }),
      async perform(signal) {
        for (const { database, from } of plan.sources) {
          const known = databaseOf(database);
          rmSync(kept(known), { force: true });
          if ("member" in from) await convert(memberOf(cluster, from.member), known, plan.run, kept(known), signal);
          else copyFileSync(from.file, kept(known));
        }
      },
    },
    {
      name: "move away",
      lines: databases.map(({ file }) => `mv ${file} ${awayName(file, plan.run)} on ${plan.members.join(", ")}`),
      async perform(signal) {
        for (const member of cluster.members)
          await must(member, moveText(member, databases, plan.run), "its databases could not be moved away", {
            signal,
          });
      },
    },
    {
      name: "place",
      lines: databases.map(({ file }) => `put the standalone ${file} in place on ${first.name}`),
      async perform(signal) {
        for (const database of databases) await place(first, database, plan.run, kept(database), signal);
      },
    },
    {
      name: "start",
      lines: [`${cluster.words.start} (${plan.replicas})`],
      perform: (signal) => cluster.startAll(plan.replicas, signal),
    },
    {
      name: "check",
      lines: [`wait until ${plan.members.length} members of each have a leader, and look for every row`],
      async perform(signal) {
        for (const database of databases) {
          await joined(context, database, signal);
          context.note(await countRows(first, database, kept(database), signal));
        }
      },
    },
  ];
}

function memberOf({ members }: Cluster, name: string): Member {
  const found = members.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new ColdkeepError("refused", {
    what: "a member of the plan is no longer there",
    on: name,
    why: `members are ${members.map((each) => each.name).join(", ")}`,
    todo: "bring the configuration back to what it was, or undo with --undo",
  });
}

/** There, then fetched: what is placed later is what is kept here, whatever becomes of that host. */
async function convert(
  member: Member,
  { file }: Database,
  run: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const path = quoted(`${member.data}/${file}`);
  const made = quoted(`${member.data}/${file}.standalone-${run}`);
  const script = `set -e; umask 077; rm -f ${made}
if ovsdb-tool db-is-clustered ${path}; then ovsdb-tool check-cluster ${path} >&2; ovsdb-tool cluster-to-standalone ${made} ${path} >&2
else cp ${path} ${made}; fi
sha256sum < ${made}`;
  const what = `${file} could not be converted`;
  const sum = (await must(member, script, what, { signal })).slice(0, 64);
  await must(member, `cat ${made}`, `${file} could not be fetched`, { signal, output: to });
  if (hashOf(to) !== sum) {
    throw new ColdkeepError("integrity", {
      what: `${file} did not arrive as it was sent`,
      on: member.name,
      todo: "run it again",
    });
  }
  await must(member, `rm -f ${made}`, "what was made there could not be removed", { signal });
}

/** Once moved, a file is never moved again: what is there by then is new. */
function moveText({ data }: Member, databases: readonly Database[], run: string): string {
  const lines = databases.flatMap(({ file }) =>
    [file, `${file}.hdr`, file.replace(/\.db$/, ".hdr")].map((name) => {
      const [from, to] = [quoted(`${data}/${name}`), quoted(`${data}/${awayName(name, run)}`)];
      return `[ -e ${to} ] || [ ! -e ${from} ] || mv ${from} ${to}`;
    }),
  );
  return `set -e\n${lines.join("\n")}\nsync`;
}

/** Owner and mode are those of the file that was there; else the folder's owner and 600. */
async function place(first: Member, { file }: Database, run: string, from: string, signal: AbortSignal): Promise<void> {
  const { data } = first;
  const [path, away] = [quoted(`${data}/${file}`), quoted(`${data}/${awayName(file, run)}`)];
  const temp = quoted(`${data}/${file}.placing-${run}`);
  const script = `set -e; umask 077; cat > ${temp}
if [ -e ${away} ]; then like=${away}; mode=$(stat -c %a ${away}); else like=${quoted(data)}; mode=600; fi
chmod "$mode" ${temp}; chown "$(stat -c %u:%g "$like")" ${temp}
sha256sum < ${temp}; sync; mv ${temp} ${path}; sync`;
  const sum = (await must(first, script, `${file} could not be put in place`, { signal, input: from })).slice(0, 64);
  if (sum === hashOf(from)) return;
  throw new ColdkeepError("integrity", {
    what: `${file} did not arrive as it was sent`,
    on: first.name,
    todo: "run it again",
  });
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** Every member is one of the cluster, and knows who leads. */
async function joined({ cluster, clock, joinMs }: StepContext, database: Database, signal: AbortSignal): Promise<void> {
  let seen = "";
  const isWhole = async () => {
    for (const member of cluster.members) {
      const serving = await askServer(member, database, signal);
      const alone = cluster.members.length === 1 && serving?.status === "standalone";
      const isIn = serving?.status === "cluster member" && serving.leader !== "unknown";
      if (!alone && (!isIn || serving.servers.length < cluster.members.length)) {
        seen = `${member.name}: ${serving === null ? "no server answers" : `${serving.status}, leader ${serving.leader}, ${serving.servers.length} known`}`;
        return false;
      }
    }
    return true;
  };
  if (await until(isWhole, { clock, limitMs: joinMs, signal })) return;
  throw new ColdkeepError("node-start", {
    what: `${database.schema} did not become whole`,
    why: `${seen}, after ${joinMs / 1000} s`,
    todo: "look at that member's log; run this again to wait on, or undo with --undo",
  });
}

/** How many of the rows that were recovered are served: clients may have added and removed some since. */
async function countRows(first: Member, database: Database, kept: string, signal: AbortSignal): Promise<string> {
  const { schema, stem } = database;
  const socket = quoted(`unix:${first.run}/${stem}.sock`);
  const what = "its rows cannot be read";
  const tables = (await must(first, `ovsdb-client --timeout=30 list-tables ${socket} ${schema}`, what, { signal }))
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => /^[A-Za-z_]+$/.test(line) && line !== "Table");
  const question = quoted(
    JSON.stringify([schema, ...tables.map((table) => ({ op: "select", table, where: [], columns: ["_uuid"] }))]),
  );
  const served = rowsOf(
    await must(first, `ovsdb-client --timeout=60 --no-leader-only query ${socket} ${question}`, what, { signal }),
  );
  const script = `set -e; t=$(mktemp); trap 'rm -f "$t"' EXIT; cat > "$t"; ovsdb-tool query "$t" ${question}`;
  const recovered = rowsOf(await must(first, script, what, { signal, input: kept }));
  const there = [...recovered].filter((row) => served.has(row)).length;
  return `${schema}: ${there} of ${recovered.size} recovered rows are served`;
}

function rowsOf(text: string): Set<string> {
  return new Set([...text.matchAll(/\["uuid","([0-9a-f-]{36})"\]/g)].map(([, id]) => id as string));
}
