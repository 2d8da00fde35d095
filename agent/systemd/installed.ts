import { existsSync } from "node:fs";
import { runProgram } from "./apply.ts";
import { plannedFiles, RECOVER, UNITS } from "./units.ts";

/** Every file that `install` may have written, whatever the configuration was then. */
export function installedFiles(): string[] {
  const least = {
    exec: ["coldkeep"],
    config: "/",
    stateDir: "/",
    nodes: [],
    groups: ["any"],
    drilled: [],
    writable: [],
    mounts: [],
  };
  const plan = {
    ...least,
    local: true,
    watches: true,
    home: false,
    startsNodes: false,
    drives: ["any"],
    credential: null,
    schedule: "daily",
    delay: "0",
    drillSchedule: "weekly",
  };
  return plannedFiles(plan).map(({ path }) => path);
}

/** Timers of ours that systemd has loaded or enabled, and the service for boots. */
export async function listTimers(): Promise<string[]> {
  const words = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "--full", "coldkeep*.timer"];
  const loaded = (await runProgram(words)).split("\n").flatMap((line) => line.trim().split(/\s+/)[0] || []);
  return existsSync(`${UNITS}/${RECOVER}`) ? [...loaded, RECOVER] : loaded;
}
