import { processIdentity } from "../../posix/process.ts";
import { journalPath, type RestoreJournal, writeJournal } from "./journal.ts";
import { type Layout, layOut } from "./layout.ts";
import { oldFolders } from "./moves.ts";
import { endJournal } from "./recover.ts";
import { newRunName } from "./run-name.ts";
import type { RestoreOptions } from "./types.ts";
import { findUnfinished } from "./unfinished.ts";

export interface Begun {
  readonly layout: Layout;
  readonly journal: RestoreJournal;
  /** Whether the staging folders are those of an unfinished run. */
  readonly resumed: boolean;
}

export interface BeginOptions {
  readonly restore: RestoreOptions;
  readonly rootNames: readonly string[];
  /** See `boundTo`. */
  readonly bound: string;
  /** Throws where a fresh restore does not fit. */
  readonly assertFits: (layout: Layout) => void;
  readonly say: (text: string) => void;
}

/**
 * Decides where this restore stages its files, and writes it down before anything is made. What an unfinished restore of
 * the very same has staged is gone on from; anything else it left is removed.
 * @throws ColdkeepError as `layOut`; `no-space`; `permission`.
 */
export function beginRestore({ restore: o, rootNames, bound, assertFits, say }: BeginOptions): Begun {
  const path = journalPath(o.stateDir, o.node);
  const unfinished = findUnfinished(bound, o);
  if (unfinished !== null) {
    const { journal, same } = unfinished;
    const layout = same ? layOut(o.targets, rootNames, journal.run, journal.staging) : null;
    if (layout !== null && stagingOf(layout).join("\0") === journal.staging.join("\0")) {
      const made = [...new Set([...journal.made, ...madeFor(layout)])];
      const mine = { ...journal, owner: processIdentity(), made, keepOld: o.keepOld };
      writeJournal(path, mine);
      return { layout, journal: mine, resumed: true };
    }
    endJournal(path, journal, say);
  }
  const run = newRunName();
  const layout = layOut(o.targets, rootNames, run);
  assertFits(layout);
  const journal: RestoreJournal = {
    format: 1,
    phase: "staging",
    owner: processIdentity(),
    snapshot: o.snapshot,
    run,
    bound,
    staging: stagingOf(layout),
    made: madeFor(layout),
    moves: [],
    old: [],
    keepOld: o.keepOld,
    late: [],
  };
  writeJournal(path, journal);
  return { layout, journal, resumed: false };
}

function stagingOf({ roots }: Layout) {
  return [...new Set(roots.map(({ staging }) => staging))];
}

function madeFor(layout: Layout) {
  return [...(layout.make === null ? [] : [layout.make]), ...oldFolders(layout.roots)];
}
