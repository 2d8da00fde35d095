import { ColdkeepError } from "../../vault/names/index.ts";
import { DEFAULT_CONFIG, DURATION_FORM, loadNodes, parseDuration } from "../config/index.ts";
import { profileNames } from "../profiles/index.ts";
import { formatTime } from "../report/index.ts";
import { type NodeState, openNodeState } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import type { Call } from "./define.ts";
import type { PauseFlags } from "./pause.command.ts";
import { pickNode } from "./session.ts";

const MAX_REASON = 255;

/** `coldkeep pause`. */
export async function pause(call: Call<PauseFlags>): Promise<Answer> {
  const { until: moment, for: span, reason } = call.flags;
  const now = call.io.clock.now();
  if ((moment === undefined) === (span === undefined)) {
    throw new ColdkeepError("usage", { what: "how long is the pause?", todo: "give --for or --until, and not both" });
  }
  const until = moment ?? now + spanOf(span ?? "");
  if (until <= now) {
    throw new ColdkeepError("usage", { what: "that moment is over", on: formatTime(until), todo: "name one to come" });
  }
  if (reason !== undefined && reason.length > MAX_REASON) {
    throw new ColdkeepError("usage", {
      what: "the reason is too long",
      why: `${reason.length} characters, at most ${MAX_REASON} are kept`,
    });
  }
  const states = statesOf(call);
  for (const state of states) state.pause({ until, ...(reason === undefined ? {} : { reason }) });
  const nodes = states.map(({ node }) => node);
  return {
    document: { paused: nodes, until, ...(reason === undefined ? {} : { reason }) },
    text: `No backups of ${nodes.join(", ")} until ${formatTime(until)}. \`coldkeep resume\` ends that earlier.`,
  };
}

/** Milliseconds above 0: `90s`, `30m`, `2h`, `3d`. */
function spanOf(text: string): number {
  const found = parseDuration(text);
  if (found !== null && found > 0) return found;
  throw new ColdkeepError("usage", {
    what: "--for is no duration",
    on: JSON.stringify(text),
    why: `it takes ${DURATION_FORM}, above 0`,
  });
}

/** `coldkeep resume`. */
export async function resume(call: Call): Promise<Answer> {
  const states = statesOf(call);
  for (const state of states) state.resume();
  const nodes = states.map(({ node }) => node);
  return { document: { resumed: nodes }, text: `Backups of ${nodes.join(", ")} are made again.` };
}

/** Of the nodes that are meant; of the configuration only they are read, so that whatever else is wrong does not matter. */
function statesOf({ flags }: Call): NodeState[] {
  const config = loadNodes(flags.config ?? DEFAULT_CONFIG, profileNames());
  const nodes = flags.node === undefined ? config.nodes : [pickNode(config, flags.node)];
  return nodes.map(({ name }) => openNodeState(config.stateDir, name));
}
