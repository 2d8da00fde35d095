export { type Evidence, judge } from "./judge.ts";
export type * from "./types.ts";
