import { ColdkeepError } from "../../vault/names/index.ts";
import { makeTool } from "./tool.ts";
import type { CallOptions, ServiceManager } from "./types.ts";

export interface SystemdConfig {
  readonly manager: "systemd";
  /** Such as `icon.service`. */
  readonly unit: string;
}

/**
 * A unit of systemd. `systemctl stop` and `start` return when the job is done; one that is cut off goes on, so how it
 * stands is asked for all the same. A unit that systemd is about to restart by itself counts as not running: no process
 * is there, and a stop takes that back. What systemd was asked to stop it does stop: a unit that outlives the limit of
 * coldkeep is killed when its own TimeoutStopSec is over, and the start that follows takes effect then.
 */
export function systemdManager({ unit }: SystemdConfig): ServiceManager {
  const systemctl = makeTool(["systemctl"]);

  async function ask(options: CallOptions): Promise<boolean> {
    const words = ["show", "--property=LoadState,ActiveState,SubState", "--", unit];
    const text = await systemctl.must(words, options, "refused", "cannot find out whether the unit runs");
    const state = Object.fromEntries(text.split("\n").map((line) => line.split("=", 2) as [string, string]));
    if (state.LoadState === "not-found") {
      throw new ColdkeepError("config", {
        what: "there is no such unit",
        on: unit,
        todo: "`systemctl list-units --type=service` shows those there are",
      });
    }
    if (state.SubState === "auto-restart") return false;
    return !["inactive", "failed", undefined].includes(state.ActiveState);
  }

  return {
    kind: "systemd",
    label: `systemd unit ${unit}`,
    controls: true,
    async stop(options) {
      await systemctl.must(["stop", "--", unit], options, "node-stop", "the unit could not be stopped");
    },
    async start(options) {
      const words = ["start", "--", unit];
      const result = await systemctl.try(words, options);
      if (result.status === 0) return;
      if (!result.cutOff) {
        // A unit that failed often is not started any more until it is told to forget that (systemd.unit(5), StartLimit…).
        await systemctl.try(["reset-failed", "--", unit], options);
        await systemctl.must(words, options, "node-start", "the unit could not be started");
        return;
      }
      throw systemctl.failure(words, result, "node-start", "the unit could not be started");
    },
    isRunning: ask,
  };
}
