import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import { takeTurn } from "../backup/index.ts";
import type { NodeControl } from "../node/types.ts";
import type { Call } from "./define.ts";
import type { Feeding } from "./feeding.ts";
import type { Session } from "./session.ts";

interface Stop {
  readonly session: Session;
  readonly control: NodeControl;
  readonly feeding: Feeding;
  readonly bytesToCopy: number;
}

/** From the turn to the stop: the last questions and a few puts; and what a kill takes. Milliseconds. */
const MARGIN_MS = 150_000;
/** Bytes a second that copies make at the least. */
const LEAST_COPY_RATE = 50e6;

/**
 * Waits until the node may be down beside the others of its group; nothing where it has none, or nobody stops it here.
 * @returns what hands the turn on, once the node is up again
 * @throws ColdkeepError `skipped` where it is not its turn in time, or the vault that is asked could not be opened.
 */
export async function takeGroupTurn(stop: Stop, { io, progress }: Call): Promise<() => Promise<void>> {
  const { session, control, feeding, bytesToCopy } = stop;
  const { config, node } = session;
  const { group } = node.stop;
  if (group === undefined || !control.manager.controls) return async () => {};
  const first = config.vaults[0]?.name;
  const asked = feeding.opened.find(({ name }) => name === first);
  if (asked === undefined) {
    const why = feeding.lost().find(({ name }) => name === first);
    throw new ColdkeepError("skipped", {
      what: "no backup was made: whether another of the group is down is told by the first vault alone",
      on: node.name,
      why: `vault ${first} is out of reach: ${messageOf(why?.error)}`,
      todo: "the next backup tries again",
    });
  }
  const { stopMs, startMs } = control.limits;
  const hooksMs = Object.values(control.hooks ?? {}).reduce((sum, hook) => sum + hook.timeoutMs, 0);
  progress.stage("turn");
  const turn = await takeTurn({
    store: asked.store,
    group: group.name,
    most: group.most,
    node: node.name,
    needMs: stopMs + startMs + hooksMs + MARGIN_MS + (1000 * bytesToCopy) / LEAST_COPY_RATE,
    waitMs: group.waitMs,
    now: () => io.clock.now(),
    monotonic: () => io.clock.monotonic(),
    progress,
    signal: io.signal,
  });
  return () => turn.release();
}
