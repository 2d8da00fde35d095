export { giveTree, makeFolderFor, removeFiles, runProgram, writeFiles } from "./apply.ts";
export { checkCalendars } from "./calendars.ts";
export { installedFiles, listTimers } from "./installed.ts";
export { nextRun } from "./next-run.ts";
export { strayTimers } from "./strays.ts";
export type { Credential, InstallPlan, PlannedFile } from "./types.ts";
export { groupTimerOf, plannedFiles, RECOVER, sealedCredential, timerOf, timersOf, USER } from "./units.ts";
