import { ColdkeepError } from "../../vault/names/index.ts";
import type { NodeSettings } from "../config/index.ts";
import { runCommand } from "../node/index.ts";
import { type Finding, profileOf } from "../profiles/index.ts";
import type { Call } from "./define.ts";
import { withWords } from "./with-words.ts";

const ASK_LIMIT_MS = 60_000;
const MAX_ANSWER = 1 << 20;

/** Asks the node whether it can be stopped now. */
export interface QuietQuestion {
  /**
   * What of the answer belongs on the card.
   * @throws ColdkeepError `refused` where it may not be stopped, with its own words, or nobody answers.
   */
  ask(signal: AbortSignal): Promise<readonly string[]>;
}

/** Null where the profile asks no such thing, or the configuration says not how; the latter is warned of. */
export function quietQuestion(node: NodeSettings, finding: Finding | null, { progress }: Call): QuietQuestion | null {
  const { judgeQuiet } = profileOf(node.profile);
  if (judgeQuiet === undefined) return null;
  const command = node.system.archiveStatus;
  if (command === undefined) {
    progress.warn(`nobody is asked whether ${node.name} is archiving blocks: set archive_status`);
    return null;
  }
  const chains = finding?.chains ?? [];
  return {
    async ask(signal) {
      const tags: string[] = [];
      for (const chain of chains) {
        const { status, stdout, ending, tail } = await runCommand(withWords(command, "archive-status", chain), {
          ...{ signal, timeoutMs: ASK_LIMIT_MS, maxOutput: MAX_ANSWER },
        });
        signal.throwIfAborted();
        const on = chains.length > 1 ? `${node.name}, chain ${chain}` : node.name;
        if (status !== 0) throw refused(on, [ending, tail.trim()].filter((part) => part !== "").join(": "));
        const { quiet, why, tags: found } = judgeQuiet(stdout);
        if (!quiet) throw refused(on, why ?? "no reason is known");
        const prefix = chains.length > 1 ? `${chain.replace(/[^A-Za-z0-9._-]/g, "_")}:` : "";
        tags.push(...found.map((tag) => `${prefix}${tag}`));
      }
      return tags;
    },
  };
}

function refused(on: string, why: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "no backup is made now: block files may be moved under it",
    on,
    why,
    todo: "wait until archiving is Normal again, or correct archive_status; the node was not stopped",
  });
}
