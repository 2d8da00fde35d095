export { anomalies } from "./anomalies.ts";
export { clockBrake } from "./brakes.ts";
export { faultOfTiers } from "./check-tiers.ts";
export { DURATION_FORM, parseDuration } from "./duration.ts";
export { LivePacks } from "./live.ts";
export { parseTimeOfDay, permanentOnes } from "./permanent.ts";
export { type PlanOptions, planRetention } from "./plan.ts";
export { formatPeriod, parseSpan } from "./span.ts";
export { tierWords } from "./tier-words.ts";
export {
  type Brake,
  type Candidate,
  type Decision,
  type RetentionPlan,
  type Span,
  type Tiers,
  UNITS,
  type Unit,
  type WrittenTiers,
} from "./types.ts";
export { tierFields, tiersOf } from "./written.ts";
export { zoneOf } from "./zone.ts";
