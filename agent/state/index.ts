export { lockNode } from "./lock.ts";
export { initNodeState, type NodeState, nodeFolder, openNodeState } from "./node-state.ts";
export type { Outage } from "./outages.ts";
export type { Pause } from "./pause.ts";
export { readPrivateFile, writePrivateFile } from "./private.ts";
export { noteRestoreSpeed, type RestoreSpeed, restoreSpeed } from "./restore-speed.ts";
export type { StoredStretch } from "./stretch.ts";
