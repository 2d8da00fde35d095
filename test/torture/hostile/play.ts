import { isColdkeepError } from "../../../vault/names/index.ts";
import { BadOutcome } from "./outcome.ts";
import { diceOf } from "./random.ts";
import type { Target } from "./targets.ts";

/** One execution that ended as none may. */
export interface HostileFinding {
  readonly target: string;
  readonly seed: number;
  readonly nth: number;
  readonly what: string;
}

/** Longest that one input may take of this thread's processor, in microseconds: far more than any takes. */
const MOST = 5_000_000;

/**
 * Plays one execution: a value and a ColdkeepError that blames the input are outcomes; anything else is a finding.
 * @returns null where all is well
 */
async function playOne(target: Target, seed: number, nth: number): Promise<HostileFinding | null> {
  const began = process.threadCpuUsage();
  const found = (what: string) => ({ target: target.name, seed, nth, what });
  try {
    await target.run(diceOf(seed, nth));
  } catch (error) {
    if (error instanceof BadOutcome) return found(error.message);
    if (!isColdkeepError(error)) return found(error instanceof Error ? (error.stack ?? error.message) : String(error));
    if (error.kind === "internal") return found(`an internal error: ${error.message}`);
  }
  const { user, system } = process.threadCpuUsage(began);
  return user + system > MOST ? found(`it took ${Math.round((user + system) / 1000)} ms of the processor`) : null;
}

/** Plays executions `from` to before `to`; at most ten findings are kept. */
export async function playMany(target: Target, seed: number, from: number, to: number): Promise<HostileFinding[]> {
  const findings: HostileFinding[] = [];
  for (let nth = from; nth < to && findings.length < 10; nth += 1) {
    const finding = await playOne(target, seed, nth);
    if (finding !== null) findings.push(finding);
  }
  return findings;
}
