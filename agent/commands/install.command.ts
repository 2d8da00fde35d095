import { defineCommand } from "./define.ts";

export interface InstallFlags {
  readonly schedule?: string;
  readonly delay?: string;
  readonly drillSchedule?: string;
  readonly keepKeyFile?: boolean;
  readonly dryRun?: boolean;
}

const off = { kind: "boolean", optional: true, withNegated: false } as const;
const optional = { kind: "parsed", optional: true } as const;

export const command = defineCommand<InstallFlags>({
  brief: "Let systemd back the nodes up",
  usage: "[--schedule <calendar>] [--delay <time>] [--node <name>] [--dry-run]",
  about:
    "For a configuration that is there: makes the user coldkeep, writes coldkeep@.service and its timer, hardened, and\n" +
    "coldkeep-group@ for groups, whose nodes are backed up by it and by no timer of their own (but with own_timers: true),\n" +
    "coldkeep-drill@ for a drill a week, coldkeep-recover.service for boots; lets the user stop and start the services that the configuration names with\n" +
    "systemctl, by a polkit rule; seals the key file for this host with systemd-creds, so that only the service gets it; gives\n" +
    "state and directory vaults to that user; and starts the timers. Run it again after changing the configuration. What is in\n" +
    "a drop-in stays, and a file that somebody else wrote is never replaced.",
  examples: [
    ["install --dry-run", "every file it would write, and all it would do"],
    ["install", "for all nodes, each night"],
    ['install --schedule "*-*-* 02,14:00" --delay 10m', "twice a day"],
  ],
  flags: {
    schedule: {
      ...optional,
      parse: String,
      placeholder: "calendar",
      brief: "When backups run, as systemd.time(7) has it [default = *-*-* 02:00]",
    },
    delay: {
      ...optional,
      parse: timeSpan,
      placeholder: "time",
      brief: "Up to how much later, so that hosts do not all begin at once [default = 30m]",
    },
    drillSchedule: {
      ...optional,
      parse: String,
      placeholder: "calendar",
      brief: "When drills run [default = Sun *-*-* 04:00]",
    },
    keepKeyFile: { ...off, brief: "Leave the key as the configuration names it, rather than seal it for this host" },
    dryRun: { ...off, brief: "Say what would be done, and stop" },
  },
  load: async () => (await import("./install.ts")).run,
});

function timeSpan(text: string): string {
  if (/^(0|[1-9]\d*(s|m|h))$/.test(text)) return text;
  throw new SyntaxError("a time is expected: 0, 90s, 10m, 2h");
}
