export { lockNode } from "./lock.ts";
export { initNodeState, type NodeState, nodeFolder, openNodeState } from "./node-state.ts";
export { assertPrivateFolder, makePrivateFolder, readPrivateFile, writePrivateFile } from "./private.ts";
export { publicKeyOf } from "./signing-key.ts";
export type { StoredStretch } from "./stretch.ts";
