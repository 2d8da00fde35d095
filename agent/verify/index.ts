export type * from "./types.ts";
export { runVerify, startVerifyThreads } from "./verify.ts";
