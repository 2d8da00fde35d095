export { type Amiss, type DecideOptions, type Decision, decide } from "./decide.ts";
export { deliver } from "./deliver.ts";
export { readTold, type Told, writeTold } from "./memory.ts";
export type * from "./types.ts";
