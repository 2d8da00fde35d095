export { EMF_NAMESPACE, renderEmf } from "./emf.ts";
export { type Measured, renderMetrics } from "./metrics.ts";
