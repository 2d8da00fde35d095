export { giveTree, makeFolderFor, removeFiles, runProgram, writeFiles } from "./apply.ts";
export { installedFiles, listTimers } from "./installed.ts";
export { nextRun } from "./next-run.ts";
export type { Credential, InstallPlan, PlannedFile } from "./types.ts";
export { drillTimerOf, plannedFiles, RECOVER, sealedCredential, timerOf, USER, WATCH_TIMER } from "./units.ts";
