import { isAlive, processIdentity, sameProcess } from "../../posix/process.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { toText } from "./byte-path.ts";
import { journalPath, type RestoreJournal, readJournal } from "./journal.ts";
import { undoMoves } from "./swap.ts";
import { dropStaging, finishSwapped } from "./tidy.ts";
import type { RecoverOptions } from "./types.ts";

/**
 * Brings a restore that was cut off (kill -9, power cut) to an end: all roots as they were before, or, where every
 * rename had been done, all of them new and tidied up. Null where there is nothing to do. Safe to call at any time, and
 * again after it was itself cut off.
 * @throws ColdkeepError `busy` where that restore still runs; `integrity` where somebody moved things meanwhile.
 */
export async function recoverRestore(o: RecoverOptions): Promise<null | { did: string[] }> {
  const path = journalPath(o.stateDir, o.node);
  const journal = readJournal(path);
  if (journal === null) return null;
  if (isAlive(journal.owner) && !sameProcess(journal.owner, processIdentity())) {
    throw new ColdkeepError("busy", {
      what: "another restore of this node is running",
      on: o.node,
      why: `process ${journal.owner.pid} restores ${journal.snapshot}`,
      todo: "wait for it to end, or stop it",
      retryable: true,
    });
  }
  const did: string[] = [];
  endJournal(path, journal, (text) => {
    did.push(text);
    o.progress.note(text);
  });
  return { did };
}

/** Forward where every rename was done, else back. @throws as `recoverRestore`. */
export function endJournal(path: string, journal: RestoreJournal, say: (text: string) => void): void {
  if (journal.phase === "swapped") {
    finishSwapped(path, journal, say);
    say(`finished the restore of ${journal.snapshot} that was cut off after its last step`);
    return;
  }
  if (journal.phase === "swapping") {
    undoMoves(journal.moves);
    say(`put back what the restore of ${journal.snapshot} had moved away when it was cut off`);
  }
  dropStaging(path, journal);
  say(`removed what it had staged: ${journal.staging.map(toText).join(", ")}`);
}
