import type { Heights } from "../../vault/card/index.ts";
import type { NodeSettings } from "../config/index.ts";
import type { Call } from "./define.ts";
import type { RestoreFlags } from "./restore.command.ts";
import { type Ending, type StartedAgain, startRestored } from "./restore-start.ts";
import type { NodeAfter } from "./restore-text.ts";

/** One node of a group whose data is in place. */
interface Restored {
  readonly node: NodeSettings;
  readonly heights: Heights | null;
  readonly ending: Ending;
}

/** How the nodes of a group stand after their restore. */
export interface GroupStart {
  /** By name. */
  readonly after: ReadonlyMap<string, NodeAfter>;
  readonly started: readonly (StartedAgain & { readonly node: string })[];
  /** What is left to do. */
  readonly words: string;
  /** Why one did not start; null where all did that were to. */
  readonly failure: unknown;
}

/**
 * Starts the nodes one after the other. Those that come after one that is left stopped, or does not start, are left as well:
 * they may need it, and none of them ran before. Throws nothing: what was restored has to be told first.
 */
export async function startInOrder(members: readonly Restored[], call: Call<RestoreFlags>): Promise<GroupStart> {
  const after = new Map<string, NodeAfter>();
  const started: (StartedAgain & { readonly node: string })[] = [];
  let failure: unknown = null;
  for (const { node, heights, ending } of members) {
    const [before] = left(members, started);
    if (before !== undefined && before !== node.name) {
      after.set(node.name, { stopped: ending.start || ending.why === null ? `Once ${before} runs:` : ending.why });
    } else if (!ending.start) {
      after.set(node.name, { stopped: ending.why });
    } else {
      try {
        const again = await startRestored(node, heights, ending.waitMs, call);
        started.push({ node: node.name, ...again });
        after.set(node.name, { running: again.words });
      } catch (error) {
        failure = error;
      }
    }
  }
  return { after, started, words: wordsOf(left(members, started), started.length), failure };
}

/** In the order in which they are to be started. */
function left(members: readonly Restored[], started: GroupStart["started"]): string[] {
  return members.map(({ node }) => node.name).filter((name) => !started.some(({ node }) => node === name));
}

function wordsOf(stopped: readonly string[], started: number): string {
  if (stopped.length === 0) return "All run again.";
  return `Start ${started === 0 ? "them" : "the others"} in this order: ${stopped.join(", then ")}.`;
}
