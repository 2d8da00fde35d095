import { defineCommand } from "./define.ts";

export interface UninstallFlags {
  readonly dryRun?: boolean;
}

export const command = defineCommand<UninstallFlags>({
  brief: "Take back what install gave to systemd",
  usage: "[--dry-run]",
  about:
    "Stops the timers and removes the units, the polkit rule and the entry of the user that `coldkeep install` wrote. What\n" +
    "holds data stays: vaults, state, configuration, keys, also the sealed one, and the user they belong to.",
  examples: [
    ["uninstall --dry-run", "what would be removed"],
    ["uninstall", "no more backups by themselves"],
  ],
  flags: {
    dryRun: { kind: "boolean", optional: true, withNegated: false, brief: "Say what would be removed, and stop" },
  },
  load: async () => (await import("./uninstall.ts")).run,
});
