export { type Speed, sampleSpeed } from "./foretell.ts";
export { planRestore } from "./plan.ts";
export { recoverRestore } from "./recover.ts";
export { removeRestored } from "./remove-tree.ts";
export { runRestore, startRestoreThreads } from "./restore.ts";
export type * from "./types.ts";
