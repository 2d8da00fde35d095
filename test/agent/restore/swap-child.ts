import { journalPath, type RestoreJournal, writeJournal } from "../../../agent/restore/journal.ts";
import type { RootLayout } from "../../../agent/restore/layout.ts";
import { planSwap } from "../../../agent/restore/moves.ts";
import { swap } from "../../../agent/restore/swap.ts";
import { finishSwapped } from "../../../agent/restore/tidy.ts";
import { processIdentity } from "../../../posix/process.ts";

/** Swaps staged roots and dies before rename number `dieAt`, as kill -9 would have it. */
const [stateDir = "", layout = "[]", dieAt = "0"] = process.argv.slice(2);
const roots = JSON.parse(layout) as RootLayout[];
const path = journalPath(stateDir, "node-1");
const journal: RestoreJournal = {
  format: 1,
  phase: "staging",
  owner: processIdentity(),
  snapshot: "s",
  run: "x",
  bound: "",
  staging: [...new Set(roots.map(({ staging }) => staging))],
  made: [],
  moves: [],
  old: [],
  keepOld: false,
  late: [],
};
writeJournal(path, journal);
const die = () => process.kill(process.pid, "SIGKILL");
const swapped = swap(path, { ...journal, ...planSwap(roots) }, (n) => {
  if (n === Number(dieAt)) die();
});
// After the last rename, before tidying up.
if (Number(dieAt) === swapped.moves.length + 1) die();
finishSwapped(path, swapped, () => {});
