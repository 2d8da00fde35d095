import { DATABASES, type Database, planKick } from "../ovn/index.ts";
import { lockNode } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { assertAnswerable, clusterOf, confirmer, stepsText, workOf } from "./ovn-cluster.ts";
import type { OvnKickFlags } from "./ovn-kick.command.ts";
import { openSession } from "./session.ts";

/** `coldkeep ovn kick`. */
export async function run(call: Call<OvnKickFlags>, key: Database["key"], who: string): Promise<Answer> {
  const { flags, io, progress } = call;
  const session = openSession(call);
  const { config, node } = session;
  const dry = flags.dryRun === true;
  if (!dry) assertAnswerable(call, flags.yes === true);
  using _lock = dry ? null : lockNode(config.stateDir, node.name, "node", `coldkeep ovn kick --node ${node.name}`);
  const cluster = await clusterOf(node, call);
  const database = DATABASES.find((each) => each.key === key) as Database;
  progress.stage("look");
  const { joinMs } = workOf(session, call, true);
  const plan = await planKick({ cluster, database, who, clock: io.clock, joinMs, signal: io.signal });
  const { steps, ...rest } = plan;
  const document = { node: node.name, database: key, ...rest };
  const at = plan.address === "" ? "" : ` at ${plan.address}`;
  const shown = `${plan.sid}${at}${plan.member === null ? "" : `, on ${plan.member}`}: ${plan.why}`;
  if (dry) {
    return {
      document: { ...document, steps: steps.map(({ name, lines }) => ({ name, lines })), did: [] },
      text: `${shown}\n\n${stepsText(steps)}\n\nNothing was changed.`,
    };
  }
  const confirm = confirmer(call, flags.yes === true);
  const did: string[] = [];
  for (const [at, step] of steps.entries()) {
    io.signal.throwIfAborted();
    if (!(await confirm(step, at + 1, steps.length))) break;
    await step.perform(io.signal);
    did.push(step.name);
  }
  const isDone = did.length === steps.length;
  const end = plan.member === null ? "was taken out" : "was taken out, and has joined anew";
  return {
    document: { ...document, did },
    text: isDone
      ? `${shown}\nIt ${end}.`
      : `Stopped before "${steps[did.length]?.name}"; \`coldkeep ovn status\` tells how it stands.`,
  };
}
