export { STORE_CHECKS } from "./checks.ts";
export { type ProbeOptions, probeStore } from "./probe.ts";
export * from "./types.ts";
