import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../posix/clock.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { readDatabaseFile } from "./database-file.ts";
import { DATABASES } from "./databases.ts";
import { judge } from "./judge.ts";
import { type JournalKeeper, type RecoverJournal, readJournal, writeJournal } from "./recover-journal.ts";
import { chooseSource, type RecoverPlan, type Source } from "./recover-plan.ts";
import { awayName, databaseOf, type Step, stepsOf } from "./recover-steps.ts";
import { must, quoted } from "./shell.ts";
import { lookAt, type Standing } from "./standing.ts";
import type { Cluster, Database } from "./types.ts";

export interface RecoverOptions {
  readonly cluster: Cluster;
  readonly journal: JournalKeeper;
  /** This host's private folder for what is converted. */
  readonly folder: string;
  readonly clock: Clock;
  readonly joinMs: number;
  readonly signal: AbortSignal;
  /** Shows a step and asks; false ends the run before it. */
  readonly confirm: (step: Step, at: number, of: number) => Promise<boolean>;
  readonly note: (text: string) => void;
}

export interface RecoverWishes {
  /** Absent: those that lost their majority. */
  readonly databases?: readonly Database["key"][];
  readonly from?: string;
  readonly files?: Readonly<Partial<Record<Database["key"], string>>>;
  /** Also where a majority lives. */
  readonly force: boolean;
}

export interface Outcome {
  readonly run: string;
  readonly plan: RecoverPlan;
  readonly state: RecoverJournal["state"];
  /** Steps that this run did. */
  readonly did: readonly string[];
  readonly notes: readonly string[];
}

/** The plan of a run that was cut off, else a new one. Looks, and changes nothing. @throws ColdkeepError `refused`, `integrity`. */
export async function planRecover(
  { cluster, journal, clock, signal }: Pick<RecoverOptions, "cluster" | "journal" | "clock" | "signal">,
  wishes: RecoverWishes,
): Promise<RecoverJournal> {
  const left = readJournal(journal);
  if (left?.state === "undoing") {
    throw new ColdkeepError("refused", {
      what: "an undoing was cut off",
      on: left.plan.run,
      todo: "finish it with --undo first",
    });
  }
  if (left?.state === "going") return left;
  const sources: Source[] = [];
  for (const database of DATABASES) {
    const file = wishes.files?.[database.key];
    if (wishes.databases !== undefined && !wishes.databases.includes(database.key) && file === undefined) continue;
    const standings: Standing[] = [];
    for (const member of cluster.members) standings.push(await lookAt(member, database, signal));
    const { quorum } = judge(standings);
    const isWanted = file !== undefined || wishes.databases !== undefined || quorum === "lost" || quorum === "down";
    if (!isWanted) continue;
    if ((quorum === "alive" || quorum === "standalone") && !wishes.force) {
      throw new ColdkeepError("refused", {
        what: `${database.schema} has a leader`,
        why: "a recovery would throw away what its members agreed on since the file that it takes",
        todo: "take a bad member out with `coldkeep ovn kick`; to go on all the same, add --force",
      });
    }
    if (file !== undefined) assertStandalone(file, database);
    sources.push(
      file === undefined
        ? chooseSource(database, standings, wishes.from)
        : { database: database.key, from: { file }, why: `--${database.key}-file says so` },
    );
  }
  if (sources.length === 0) {
    throw new ColdkeepError("refused", {
      what: "there is nothing to recover",
      on: cluster.label,
      why: "both databases have a leader",
      todo: "see `coldkeep ovn status`",
    });
  }
  const run = new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, "");
  const members = cluster.members.map(({ name }) => name);
  const plan = { run, replicas: await cluster.replicas(signal), sources, members };
  return { version: 1, plan, state: "going", done: 0 };
}

/** @throws ColdkeepError `refused` for a raft member's file or another database's; as `readDatabaseFile`. */
function assertStandalone(file: string, database: Database): void {
  const found = readDatabaseFile(file);
  if (found.database === database && !found.clustered) return;
  throw new ColdkeepError("refused", {
    what: `this is no standalone ${database.schema}`,
    on: file,
    why: `it is ${found.clustered ? "a raft member of" : ""} ${found.database.schema}`.replace("  ", " "),
    todo: "convert it with `ovsdb-tool cluster-to-standalone`, or restore it with --raft standalone --to",
  });
}

/** The steps of a plan, for those who only want to see them. */
export function showSteps(options: RecoverOptions, { plan }: RecoverJournal): readonly Step[] {
  return stepsOf({ ...options, plan, folder: folderOf(options, plan) });
}

/**
 * Walks the steps that are left, each confirmed. What was declined or cut off goes on by the same call.
 * @throws ColdkeepError of the step that failed; the journal then says how far it came.
 */
export async function walkRecover(options: RecoverOptions, planned: RecoverJournal): Promise<Outcome> {
  const { plan } = planned;
  const { replicas } = plan;
  if (replicas < 1) {
    throw new ColdkeepError("refused", {
      what: "it is scaled to 0 already, and nobody noted what it was",
      on: options.cluster.label,
      todo: "scale it to the number of hosts in NODE_IPS first",
    });
  }
  mkdirSync(folderOf(options, plan), { recursive: true, mode: 0o700 });
  const notes: string[] = [];
  const did: string[] = [];
  const steps = stepsOf({ ...options, plan, folder: folderOf(options, plan), note: (text) => notes.push(text) });
  let journal = planned;
  writeJournal(options.journal, journal);
  for (const [at, step] of steps.entries()) {
    if (at < journal.done) continue;
    options.signal.throwIfAborted();
    if (!(await options.confirm(step, at + 1, steps.length)))
      return { run: plan.run, plan, state: "going", did, notes };
    await step.perform(options.signal);
    did.push(step.name);
    journal = { ...journal, done: at + 1 };
    writeJournal(options.journal, journal);
  }
  writeJournal(options.journal, { ...journal, state: "done" });
  return { run: plan.run, plan, state: "done", did, notes };
}

/**
 * Brings back what the last recovery moved away: as if it had not been, what came since is kept aside.
 * @throws ColdkeepError `not-found` where there is none to undo.
 */
export async function undoRecover(options: RecoverOptions): Promise<Outcome> {
  const { cluster, signal } = options;
  const left = readJournal(options.journal);
  if (left === null || left.state === "undone") {
    throw new ColdkeepError("not-found", { what: "there is no recovery to undo", on: cluster.label });
  }
  const { plan } = left;
  const databases = plan.sources.map(({ database }) => databaseOf(database));
  const steps: readonly Step[] = [
    { name: "stop", lines: [cluster.words.stop], perform: () => cluster.stopAll(signal) },
    {
      name: "move back",
      lines: databases.map(({ file }) => `mv ${awayName(file, plan.run)} ${file} on ${plan.members.join(", ")}`),
      async perform() {
        for (const member of cluster.members)
          await must(member, moveBackText(member.data, databases, plan.run), "its databases could not be moved back", {
            signal,
          });
      },
    },
    { name: "start", lines: [cluster.words.start], perform: () => cluster.startAll(plan.replicas, signal) },
  ];
  const did: string[] = [];
  for (const [at, step] of steps.entries()) {
    signal.throwIfAborted();
    if (!(await options.confirm(step, at + 1, steps.length)))
      return { run: plan.run, plan, state: left.state, did, notes: [] };
    if (at === 0) writeJournal(options.journal, { ...left, state: "undoing" });
    await step.perform(signal);
    did.push(step.name);
  }
  writeJournal(options.journal, { ...left, state: "undone" });
  return { run: plan.run, plan, state: "undone", did, notes: [] };
}

function moveBackText(data: string, databases: readonly Database[], run: string): string {
  const lines = databases.flatMap(({ file }) =>
    [file, `${file}.hdr`, file.replace(/\.db$/, ".hdr")].map((name) => {
      const [here, away] = [quoted(`${data}/${name}`), quoted(`${data}/${awayName(name, run)}`)];
      const aside = quoted(`${data}/${name}.undone-${run}`);
      return `if [ -e ${away} ]; then [ ! -e ${here} ] || mv ${here} ${aside}; mv ${away} ${here}; fi`;
    }),
  );
  return `set -e\n${lines.join("\n")}\nsync`;
}

function folderOf({ folder }: Pick<RecoverOptions, "folder">, { run }: RecoverPlan): string {
  return join(folder, run);
}
