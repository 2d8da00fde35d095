export { type Measured, renderMetrics } from "./metrics.ts";
