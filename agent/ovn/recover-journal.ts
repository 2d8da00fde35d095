import { ColdkeepError } from "../../vault/names/index.ts";
import type { RecoverPlan } from "./recover-plan.ts";

/** What a recovery has come to, as it is kept on disk; written before and after each step. */
export interface RecoverJournal {
  readonly version: 1;
  readonly plan: RecoverPlan;
  /** `going`: `done` steps are done; `done`, `undone`: nothing is left to do. */
  readonly state: "going" | "done" | "undoing" | "undone";
  readonly done: number;
}

/** Where the journal is kept. */
export interface JournalKeeper {
  read(): string | null;
  write(text: string): void;
}

/** @throws ColdkeepError `integrity` for one that is none: what it would have undone has to be done by hand. */
export function readJournal(keeper: JournalKeeper): RecoverJournal | null {
  const text = keeper.read();
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as RecoverJournal;
    if (value.version === 1 && Array.isArray(value.plan.members) && Number.isSafeInteger(value.done)) return value;
  } catch {
    // Told below.
  }
  throw new ColdkeepError("integrity", {
    what: "the journal of a recovery of OVN's databases cannot be read",
    todo: "look for <file>.coldkeep-* beside the databases of each host, and for the number of replicas in the deployment's history",
  });
}

export function writeJournal(keeper: JournalKeeper, journal: RecoverJournal): void {
  keeper.write(`${JSON.stringify(journal, null, 1)}\n`);
}
