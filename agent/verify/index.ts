export type * from "./types.ts";
export { runVerify } from "./verify.ts";
