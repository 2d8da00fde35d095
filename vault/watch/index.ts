export { type Evidence, judge } from "./judge.ts";
export type * from "./types.ts";
export { ALARM_TODO, alarmWords } from "./words.ts";
