export { type ClassForecast, type FreezeForecast, forecastFreeze, foreseeVolumes } from "./forecast.ts";
export { assertNotRunning } from "./not-running.ts";
export { prepareFreeze } from "./prepare.ts";
export { type RecoverFreezeOptions, recoverFreeze } from "./recover.ts";
export type * from "./types.ts";
