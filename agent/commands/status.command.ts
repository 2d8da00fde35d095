import { defineCommand } from "./define.ts";

export interface StatusFlags {
  readonly metrics?: string;
  readonly emf?: string;
  readonly notify?: boolean;
}

export const command = defineCommand<StatusFlags>({
  brief: "Tell how the backups of each node stand",
  usage: "[--node <name>] [--vault <name>] [--metrics <file>] [--emf <file>] [--notify]",
  about:
    "For each node and vault of the configuration: the newest good snapshot, its age and height, the newest drill, sizes and\n" +
    "growth, the next run of its timer, tiers, a month's cost at AWS, and what is amiss by the limits under `watch` in the\n" +
    "configuration. Reads the vault's index only, and needs no key. For monitoring, the exit code is that of the worst that\n" +
    "was found: 20 for a newest snapshot that is too old or missing, 9 for damage, 8 where a vault cannot be reached, 21 where\n" +
    "no drill proved one in time.",
  examples: [
    ["status", "all nodes, in all vaults"],
    ["status --node icon --json", "one node, for a script"],
  ],
  flags: {
    emf: {
      kind: "parsed",
      parse: String,
      optional: true,
      placeholder: "file",
      brief: "Add a line a node and vault to a log that the CloudWatch agent reads (EMF; docs/monitoring)",
    },
    metrics: {
      kind: "parsed",
      parse: String,
      optional: true,
      placeholder: "file",
      brief: "Write metrics there, too, for the textfile collector of node_exporter (docs/monitoring)",
    },
    notify: {
      kind: "boolean",
      optional: true,
      withNegated: false,
      brief: "Tell those whom `notify` names of what is amiss: once, again after a day, and when it is over",
    },
  },
  load: async () => (await import("./status.ts")).run,
});
