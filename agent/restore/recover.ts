import { isAlive, processIdentity, sameProcess } from "../../posix/process.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { toText } from "./byte-path.ts";
import { journalPath, type RestoreJournal, readJournal, writeJournal } from "./journal.ts";
import { undoMoves } from "./swap.ts";
import { dropStaging, finishSwapped } from "./tidy.ts";
import type { RecoverOptions } from "./types.ts";

/**
 * Brings a restore that was cut off (kill -9, power cut) to an end: all roots as they were before, or, where every
 * rename had been done, all of them new and tidied up. What was staged is removed, unless asked otherwise. Null where there is nothing to do. Safe to call at any time, and
 * again after it was itself cut off. `swapped`: it had come to its last step, and what was restored is in place.
 * @throws ColdkeepError `busy` where that restore still runs; `integrity` where somebody moved things meanwhile.
 */
export async function recoverRestore(o: RecoverOptions): Promise<null | { did: string[]; swapped: boolean }> {
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
  const say = (text: string) => {
    did.push(text);
    o.progress.note(text);
  };
  if (o.keepStaged === true) keepStaged(path, journal, say);
  else endJournal(path, journal, say);
  return { did, swapped: journal.phase === "swapped" };
}

/** Forward where every rename was done, else back. @throws as `recoverRestore`. */
export function endJournal(path: string, journal: RestoreJournal, say: (text: string) => void): void {
  if (journal.phase === "swapped") {
    finishSwapped(path, journal, say);
    say(`finished the restore of ${journal.snapshot} that was cut off after its last step`);
    return;
  }
  if (journal.phase === "swapping") undoSwap(journal, say);
  dropStaging(path, journal);
  say(`removed what an unfinished restore of ${journal.snapshot} had staged: ${folders(journal)}`);
}

/** The same, but what was staged stays for a restore that goes on from it. @throws as `recoverRestore`. */
export function keepStaged(path: string, journal: RestoreJournal, say: (text: string) => void): void {
  if (journal.phase === "swapped") {
    endJournal(path, journal, say);
    return;
  }
  if (journal.phase === "swapping") undoSwap(journal, say);
  writeJournal(path, { ...journal, phase: "staging", moves: [], old: [], late: [] });
  say(
    `what an unfinished restore of ${journal.snapshot} has staged is kept in ${folders(journal)}: ` +
      "the same restore goes on from there, with --fresh it is removed",
  );
}

function undoSwap({ moves, snapshot }: RestoreJournal, say: (text: string) => void): void {
  undoMoves(moves);
  say(`put back what the restore of ${snapshot} had moved away when it was cut off`);
}

function folders({ staging }: RestoreJournal): string {
  return staging.map(toText).join(", ");
}
