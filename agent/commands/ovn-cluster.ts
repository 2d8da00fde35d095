import { join } from "node:path";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { NodeSettings } from "../config/index.ts";
import { startAndWait, stopAndWait } from "../node/index.ts";
import { type Cluster, kubernetesCluster, localCluster, type Step } from "../ovn/index.ts";
import { nodeFolder, readPrivateFile, writePrivateFile } from "../state/index.ts";
import { controlOf } from "./control.ts";
import type { Call } from "./define.ts";
import type { Session } from "./session.ts";

/** Where sockets and log lie when nothing else is configured. */
const USUAL = { run: "/var/run/ovn", log: "/var/log/ovn/ovn-northd.log" };
/** How long members may take to find one another, beside the time for starting. */
const JOIN_MS = 60_000;

/** How the node's databases are reached. @throws ColdkeepError `refused` for another system's node; as `kubernetesCluster`. */
export async function clusterOf(node: NodeSettings, { io, progress }: Call): Promise<Cluster> {
  if (node.profile !== "ovn") {
    throw new ColdkeepError("refused", {
      what: "this node is of another system",
      on: node.name,
      why: `its profile is ${node.profile}, not ovn`,
      todo: "name another with --node, or add one of profile ovn to the configuration",
    });
  }
  const { ovn, limits } = node;
  const bounds = { stopMs: limits.stopMs, startMs: limits.startMs, clock: io.clock };
  if (ovn?.kubernetes !== undefined) return kubernetesCluster(ovn.kubernetes, bounds, io.signal);
  if (ovn?.members !== undefined) return localCluster(ovn.members, bounds);
  const control = controlOf(node);
  const { run, log } = ovn ?? USUAL;
  const alone = {
    name: "this host",
    data: node.roots[0]?.path ?? "/etc/ovn",
    run,
    log,
    stop: (signal: AbortSignal) => stopAndWait(control, progress, signal),
    start: async (signal: AbortSignal) => void (await startAndWait(control, progress, signal)),
  };
  return localCluster([alone], bounds);
}

/** What all that changes a cluster takes: where its journal lies, how long to wait, how to ask. */
export function workOf({ config, node }: Session, call: Call, yes: boolean) {
  const folder = nodeFolder(config.stateDir, node.name);
  const path = join(folder, "ovn-recover.json");
  return {
    journal: {
      read: () => readPrivateFile(path, 1 << 20)?.toString("utf8") ?? null,
      write: (text: string) => writePrivateFile(path, Buffer.from(text)),
    },
    folder: join(folder, "ovn-recover"),
    clock: call.io.clock,
    joinMs: node.limits.startMs + JOIN_MS,
    signal: call.io.signal,
    confirm: confirmer(call, yes),
    note: () => {},
  };
}

/** Shows each step, and asks unless that was answered beforehand. */
export function confirmer({ io, progress, flags }: Call, yes: boolean) {
  return async (step: Step, at: number, of: number): Promise<boolean> => {
    progress.stage(`${at}/${of} ${step.name}`);
    const text = [`step ${at} of ${of}: ${step.name}`, ...step.lines.map((line) => `  ${line}`)].join("\n");
    if (yes) {
      if (flags.json !== true) io.stderr.write(`${text}\n`);
      return true;
    }
    if (io.ask === null) throw notAsked();
    progress.close();
    return /^y(es)?$/i.test((await io.ask(`${text}\nGo on? [y/N] `)).trim());
  };
}

/** @throws ColdkeepError `usage` where nobody can be asked and nobody has answered. */
export function assertAnswerable({ io }: Call, yes: boolean): void {
  if (!yes && io.ask === null) throw notAsked();
}

function notAsked(): ColdkeepError {
  return new ColdkeepError("usage", {
    what: "each step has to be confirmed",
    why: "nobody can be asked here",
    todo: "see the steps with --dry-run, then answer beforehand with --yes",
  });
}

/** What is shown of steps that are not done yet. */
export function stepsText(steps: readonly Step[]): string {
  return steps
    .map(({ name, lines }, at) => [`${at + 1}. ${name}`, ...lines.map((line) => `   ${line}`)].join("\n"))
    .join("\n");
}
