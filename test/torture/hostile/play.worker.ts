import { parentPort, workerData } from "node:worker_threads";
import { type HostileFinding, playMany } from "./play.ts";
import { makeTargets } from "./targets.ts";

/** Executions of one target. */
export interface HostileWork {
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

const targets = new Map((await makeTargets()).map((target) => [target.name, target]));
/** Where it is lies in shared memory, for whoever watches over it. */
const place = new Uint32Array(workerData as SharedArrayBuffer);
const PIECE = 100;

parentPort?.on("message", (work: HostileWork | null) => void answer(work));

async function answer(work: HostileWork | null): Promise<void> {
  if (work === null) return void parentPort?.close();
  const target = targets.get(work.target);
  if (target === undefined) throw new Error(`there is no target ${work.target}`);
  const findings: HostileFinding[] = [];
  for (let nth = work.from; nth < work.to; nth += PIECE) {
    place[0] = nth;
    findings.push(...(await playMany(target, work.seed, nth, Math.min(work.to, nth + PIECE))));
  }
  place[0] = work.to;
  parentPort?.postMessage(findings);
}
