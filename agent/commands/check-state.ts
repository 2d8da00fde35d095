import { existsSync } from "node:fs";
import { join } from "node:path";
import { formatTime } from "../report/index.ts";
import { openNodeState } from "../state/index.ts";
import { type Check, ok, warn } from "./check.ts";
import type { Session } from "./session.ts";

/** What this host remembers: private, with its signing key, and with nothing half-done in it. */
export async function checkState({ config, node }: Session, now: number): Promise<readonly Check[]> {
  const state = openNodeState(config.stateDir, node.name);
  const checks: Check[] = [ok("state", state.folder)];
  const pause = state.pauseAt(now);
  if (pause !== null) {
    const found = `no backups are made until ${formatTime(pause.until)}`;
    checks.push(
      warn("pause", pause.reason === undefined ? found : `${found}: ${pause.reason}`, "`coldkeep resume` ends it"),
    );
  }
  for (const [file, what] of [
    ["freeze.journal", "a backup was cut off"],
    ["restore.journal", "a restore was cut off"],
  ] as const) {
    if (existsSync(join(state.folder, file))) {
      checks.push(
        warn(
          "left behind",
          `${what}, or is running: ${join(state.folder, file)}`,
          "`coldkeep recover` undoes it now, the node first; so does the next backup",
        ),
      );
    }
  }
  return checks;
}
