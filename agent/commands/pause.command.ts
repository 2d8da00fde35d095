import { defineCommand } from "./define.ts";
import { moment } from "./parse.ts";

export interface PauseFlags {
  readonly until?: number;
  /** A duration as it was written. */
  readonly for?: string;
  readonly reason?: string;
}

const optional = { kind: "parsed", optional: true } as const;

export const command = defineCommand<PauseFlags>({
  brief: "Make no backups for a time",
  usage: "--for <time> | --until <time> [--reason <text>] [--node <name>]",
  about:
    "Until then a backup ends with exit code 18 and leaves the node alone, whoever starts it; `backup --anyway` makes one all\n" +
    "the same. The pause ends by itself, or by `coldkeep resume`; `coldkeep status` shows it. Every node of the configuration\n" +
    "is paused, or the one that is named. A backup that is under way is not touched once it has stopped its node.",
  examples: [
    ["pause --for 2h --reason upgrade", "all nodes, for two hours"],
    ["pause --until '2026-01-15 00:00' --node icon", "one node, up to a moment in UTC"],
  ],
  flags: {
    until: { ...optional, parse: moment, placeholder: "time", brief: "Up to this moment" },
    for: { ...optional, parse: String, placeholder: "time", brief: "For so long: 90s, 30m, 2h, 3d" },
    reason: { ...optional, parse: String, placeholder: "text", brief: "Why, for whoever asks; up to 255 characters" },
  },
  load: async () => (await import("./pause.ts")).pause,
});
