import { defineCommand } from "./define.ts";
import { DESPITE_FLAG, type ForgetSomeFlags, MODE_FLAGS } from "./retention-flags.ts";

export const command = defineCommand<ForgetSomeFlags, string[]>({
  brief: "Let snapshots expire that the tiers keep no longer, or that are named",
  usage: "[<id>...] --dry-run|--apply [--force] [--despite <brake>]... [--node <name>]",
  about:
    "The tiers stand in the configuration (`tiers`, by vault or node; without any, 7 days are kept in a directory and 15\n" +
    "elsewhere). --dry-run tells what is kept and why, what expires, and what that will free; --apply puts the markers.\n" +
    "Nothing is deleted yet: an expired snapshot can be restored, and comes back where the tiers or a pin keep it again,\n" +
    "until its grace is over; then `coldkeep gc` deletes what nobody uses. The newest good snapshot never expires.\n" +
    "Brakes stop what looks like a mistake (exit code 12). share: fewer than 70 % of the snapshots or bytes of a week ago\n" +
    "would be left. clock: the vault's clock is behind, or a week ahead of the newest snapshot. anomaly: the newest\n" +
    "snapshots do not look like this node. Each is overridden with --despite, once it was looked into.\n" +
    "Snapshots that are named expire whatever the tiers say, and stay so; only `coldkeep pin` brings one back. Refused are\n" +
    "the newest good one, pinned ones, those younger than the floor, and without --force what `permanent` keeps.",
  examples: [
    ["forget --dry-run", "what would expire, and why the rest is kept"],
    ["forget 20260115T000000Z-bh1200-0123456789abcdef --dry-run", "this one, though the tiers would keep it"],
    ["forget --apply --despite share", "after the tiers were cut down on purpose"],
  ],
  flags: {
    ...MODE_FLAGS,
    ...DESPITE_FLAG,
    force: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Of snapshots that are named, also those that `permanent` keeps",
    },
  },
  positional: {
    kind: "array",
    parameter: { parse: String, placeholder: "id", brief: "Snapshots that are to go, by id or its beginning" },
  },
  load: async () => (await import("./forget.ts")).run,
});
