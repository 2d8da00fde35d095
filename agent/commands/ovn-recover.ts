import { resolve } from "node:path";
import { ColdkeepError } from "../../vault/names/index.ts";
import { type Outcome, planRecover, showSteps, undoRecover, walkRecover } from "../ovn/index.ts";
import { lockNode } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import { assertAnswerable, clusterOf, stepsText, workOf } from "./ovn-cluster.ts";
import type { OvnRecoverFlags } from "./ovn-recover.command.ts";
import { openSession } from "./session.ts";

/** `coldkeep ovn recover`. */
export async function run(call: Call<OvnRecoverFlags>): Promise<Answer> {
  const { flags, progress } = call;
  const session = openSession(call);
  const { config, node } = session;
  const yes = flags.yes === true;
  const dry = flags.dryRun === true;
  if (!dry) assertAnswerable(call, yes);
  using _lock = dry ? null : lockNode(config.stateDir, node.name, "node", `coldkeep ovn recover --node ${node.name}`);
  const cluster = await clusterOf(node, call);
  const options = { cluster, ...workOf(session, call, yes) };
  progress.stage("look");
  if (flags.undo === true) {
    if (dry) throw new ColdkeepError("usage", { what: "--undo and --dry-run do not go together" });
    return answer(node.name, await undoRecover(options));
  }
  const planned = await planRecover(options, wishesOf(flags));
  if (dry) {
    const steps = showSteps(options, planned);
    return {
      document: {
        node: node.name,
        plan: planned.plan,
        done: planned.done,
        steps: steps.map(({ name, lines }) => ({ name, lines })),
      },
      text: `${stepsText(steps)}\n\n${planned.done === 0 ? "" : `The first ${planned.done} are done already. `}Nothing was changed.`,
    };
  }
  if (planned.done > 0)
    progress.warn(`an earlier recovery, ${planned.plan.run}, was cut off; going on after its step ${planned.done}`);
  return answer(node.name, await walkRecover(options, planned));
}

function wishesOf({ db, from, nbFile, sbFile, force }: OvnRecoverFlags): Parameters<typeof planRecover>[1] {
  return {
    ...(db === undefined ? {} : { databases: db }),
    ...(from === undefined ? {} : { from }),
    files: {
      ...(nbFile === undefined ? {} : { nb: resolve(nbFile) }),
      ...(sbFile === undefined ? {} : { sb: resolve(sbFile) }),
    },
    force: force === true,
  };
}

function answer(node: string, outcome: Outcome): Answer {
  const { run, plan, state, did, notes } = outcome;
  const ends: Record<Outcome["state"], string> = {
    done: `Recovered. What was there lies beside each file as <file>.coldkeep-${run}; \`coldkeep ovn recover --undo\` puts it back. Remove it once all is well.`,
    undone: `Undone: the files are what they were before ${run}.`,
    going: "Stopped there. The same command goes on; `coldkeep ovn recover --undo` puts back what was moved.",
    undoing: "Stopped there. `coldkeep ovn recover --undo` goes on.",
  };
  return {
    document: { node, run, state, did, replicas: plan.replicas, sources: plan.sources, notes },
    text: [...notes, ends[state]].join("\n"),
  };
}
