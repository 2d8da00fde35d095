export { type Evidence, judge } from "./judge.ts";
export { type Measured, renderMetrics } from "./metrics.ts";
export type * from "./types.ts";
