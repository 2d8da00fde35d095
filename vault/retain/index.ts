export { clockBrake } from "./brakes.ts";
export { faultOfTiers } from "./check-tiers.ts";
export { LivePacks } from "./live.ts";
export { parseTimeOfDay, permanentOnes } from "./permanent.ts";
export { type PlanOptions, planRetention } from "./plan.ts";
export { DEFAULT_FLOOR, DEFAULT_GRACE } from "./rules.ts";
export { formatPeriod, parseSpan, SPAN_FORM } from "./span.ts";
export {
  type Brake,
  type Candidate,
  type Decision,
  type RetentionPlan,
  type Span,
  type Tiers,
  UNITS,
  type Unit,
} from "./types.ts";
export { isZone } from "./zone.ts";
