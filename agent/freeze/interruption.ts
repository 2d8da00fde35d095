import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError, messageOf, type Progress } from "../../vault/names/index.ts";

/** What an abort looks like from here. */
export function interruption(error: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted || error !== signal.reason) return asOurs(error);
  return new ColdkeepError("interrupted", {
    what: "the freeze was interrupted",
    why: "nothing of it is left, and the node runs as before",
    cause: error,
  });
}

function asOurs(error: unknown): unknown {
  return error instanceof Error && "syscall" in error
    ? fromSystemError(error, { what: "cannot freeze", on: "the node's files", otherwise: "internal" })
    : error;
}

/** Undoes a run that failed; what fails in that is told and left to the next run, as the failure matters more. */
export async function tryToUndo(undo: () => Promise<void>, progress: Progress): Promise<void> {
  try {
    await undo();
  } catch (error) {
    progress.warn(`what this run left behind could not be removed; the next one tries again: ${messageOf(error)}`);
  }
}
