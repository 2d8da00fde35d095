import type { Clock } from "../../posix/clock.ts";
import { ColdkeepError, isColdkeepError } from "../../vault/names/index.ts";
import { stopAndWait } from "../node/control.ts";
import type { StoppedNode } from "../node/types.ts";
import { describeHolders, killHolders, type ProofOptions, stillOurs, waitUntilReleased, whoHolds } from "./proof.ts";

export interface StopOptions extends ProofOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called once the manager says that the node is down, before the proof: learns of files that are new. */
  readonly beforeProof: () => Promise<void>;
}

/** What lies inside a container may take this long to be copied out of it. */
const FETCH_LIMIT = 3_600_000;
/** After a kill, how long the kernel may take to let go. */
const KILL_WAIT = 10_000;

/**
 * Stops the node and proves that it is down: its manager says so, and no process has a captured file open, mapped or
 * locked. Both within the limit for stopping; then `onStopTimeout` decides.
 * @throws ColdkeepError `node-stop` naming process, command and file where it cannot be proven; `refused` where nobody
 * stops the node and it runs; `permission`; the signal's reason on abort. The node may be in any state then.
 */
export async function stopNode(o: StopOptions): Promise<StoppedNode> {
  const { control, clock, signal, progress } = o;
  const { manager, limits } = control;
  const askedAt = clock.monotonic();
  const end = askedAt + (manager.controls ? limits.stopMs : 0);
  const mayKill = manager.controls && limits.onStopTimeout === "kill";
  await control.assertQuiet?.(signal);
  try {
    await stopAndWait(control, progress, signal, clock);
  } catch (error) {
    // A stop command that fails at once is a mistake, and no reason to kill.
    if (!(mayKill && isColdkeepError(error, "node-stop") && clock.monotonic() >= end)) throw error;
    killHolders(stillOurs(o, whoHolds(o)), progress);
    await waitUntilManagerAgrees(o, error);
  }
  const downAt = clock.monotonic();
  await control.fetch?.({ signal, timeoutMs: FETCH_LIMIT });
  await o.beforeProof();
  let holders = whoHolds(o);
  // What the node's processes still take to let go is their time, not ours.
  const ownMs = clock.monotonic() - downAt;
  if (holders.length > 0) holders = await waitUntilReleased(o, end, clock, signal);
  if (holders.length > 0 && mayKill) {
    killHolders(holders, progress);
    holders = await waitUntilReleased(o, clock.monotonic() + KILL_WAIT, clock, signal);
  }
  if (holders.length > 0) throw notDown(o, holders);
  return { control, askedAt, provenAt: clock.monotonic(), ownMs } as StoppedNode;
}

/** Looks once more. @throws ColdkeepError `node-stop` where somebody holds captured files by now. */
export function assertStillDown(o: ProofOptions): void {
  const holders = stillOurs(o, whoHolds(o));
  if (holders.length > 0) throw notDown(o, holders);
}

async function waitUntilManagerAgrees(o: StopOptions, first: ColdkeepError): Promise<void> {
  const { control, clock, signal, progress } = o;
  const patient = { ...control, limits: { ...control.limits, stopMs: KILL_WAIT } };
  try {
    await stopAndWait(patient, progress, signal, clock);
  } catch (error) {
    signal.throwIfAborted();
    throw isColdkeepError(error, "node-stop") ? first : error;
  }
}

function notDown({ control }: ProofOptions, holders: Parameters<typeof describeHolders>[0]): ColdkeepError {
  const who = describeHolders(holders);
  if (!control.manager.controls) {
    return new ColdkeepError("refused", {
      what: "the node is not down, and nobody stops it for coldkeep (service manager none)",
      on: control.name,
      why: who,
      todo: "stop the node first, or configure a service manager",
    });
  }
  return new ColdkeepError("node-stop", {
    what: "the node is said to be down, but its files are held",
    on: control.name,
    why: who,
    todo: "find out why that process lives on; a file that others may read can be named under exclude",
  });
}
