export {
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatHeights,
  formatRate,
  formatTime,
  safe,
} from "../../vault/names/index.ts";
export { type DayLog, openDayLog } from "./day-log.ts";
export { type FailureDocument, failureDocument, failureText } from "./failure.ts";
export { type LogFormat, logLine } from "./log.ts";
export { type PublicPage, publicPage } from "./page.ts";
export { keptProgress, logProgress, type Report, type ReportClock, terminalProgress } from "./progress.ts";
export { makeScrub, scrubDocument } from "./scrub.ts";
export { type Column, facts, table } from "./table.ts";
export { type Sink, type Styles, stylesFor } from "./terminal.ts";
