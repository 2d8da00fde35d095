export { runRepair } from "./repair.ts";
export type * from "./types.ts";
