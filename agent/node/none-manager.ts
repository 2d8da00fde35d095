import type { ServiceManager } from "./types.ts";

/** For a node that others stop and start: nothing is done, and the proof that nobody holds its files decides alone. */
export const noneManager: ServiceManager = {
  kind: "none",
  label: "none (the node is stopped and started by others)",
  controls: false,
  stop: async () => {},
  start: async () => {},
  isRunning: async () => false,
};
