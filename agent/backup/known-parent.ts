import { ColdkeepError } from "../../vault/names/index.ts";
import type { KnownFiles } from "../freeze/types.ts";
import type { NodeState } from "../state/index.ts";
import { finishedRun, type LocalRun, type ParentRun } from "./choose-parent.ts";
import { chooseGivenUp, type GivenUp } from "./given-up.ts";
import { countLive, type ParentTables, readParentTables } from "./known-chunks.ts";
import { loadKnownFiles } from "./known-files.ts";
import { MAX_ORIGINS } from "./limits.ts";
import type { OpenRun } from "./open-run.ts";
import { chunkKeyCheck } from "./run-files.ts";
import type { BackupOptions } from "./types.ts";

/** A parent whose local files are whole, and its files that need not be copied to be in the next snapshot. */
export interface KnownParent {
  readonly tables: ParentTables;
  readonly files: KnownFiles;
  readonly givenUp: GivenUp;
  /** Origins that were to come beside it when that was chosen. */
  readonly beside: number;
}

/** What decides which snapshot a run may build on. */
export type Descent = Pick<BackupOptions, "vault" | "node" | "suite" | "chunkKey" | "maxOrigins" | "control">;

/** Origins that the snapshot may name. */
function maxOrigins(o: Pick<BackupOptions, "maxOrigins">): number {
  return Math.min(MAX_ORIGINS, o.maxOrigins ?? MAX_ORIGINS);
}

/**
 * The parent as this host remembers it, before any vault was asked: good enough to know what need not be read ahead.
 * Nothing is said of what is damaged or lost; whoever builds on a parent finds out.
 */
export function likelyParent(o: Descent, state: NodeState): KnownParent | null {
  try {
    const id = state.parent;
    const lineage = { vault: o.vault, node: o.node, suite: o.suite, chunkKeyCheck: chunkKeyCheck(o.chunkKey) };
    const run = id === null ? null : finishedRun(state, id, lineage);
    return run === null ? null : load(o, run, [], () => {});
  } catch (error) {
    if (error instanceof ColdkeepError) return null;
    throw error;
  }
}

/** The run's parent, or null where it has none or its local files are damaged, which is warned of. */
export function openParent(o: BackupOptions, run: OpenRun, likely: KnownParent | null): KnownParent | null {
  if (run.parent === null) return null;
  if (likely?.tables.run.head.snapshot === run.parent.head.snapshot) {
    if (countLive(run.adopted) === likely.beside) return likely;
  }
  return load(o, run.parent, run.adopted, (text) => o.progress.warn(text));
}

function load(
  o: Descent,
  run: ParentRun,
  adopted: readonly LocalRun[],
  warn: (text: string) => void,
): KnownParent | null {
  const tables = readParentTables(run, warn);
  if (tables === null) return null;
  const beside = countLive(adopted);
  const mayCopy = !o.control.manager.controls;
  const givenUp = chooseGivenUp(tables.tables, { maxOrigins: maxOrigins(o), beside, mayCopy });
  return { tables, givenUp, beside, files: loadKnownFiles(tables, givenUp) };
}
