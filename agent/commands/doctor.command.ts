import { defineCommand } from "./define.ts";

export interface DoctorFlags {
  readonly store?: boolean;
}

export const command = defineCommand<DoctorFlags>({
  brief: "Check that everything is in place for backups",
  usage: "[--node <name>] [--store]",
  about:
    "Looks at Node, the kernel's features, the configuration, the key, the state directory, the vault, the node's folders\n" +
    "and its service, and says for each whether it is well and what to do where it is not. Changes nothing, but for a\n" +
    "probe of links beside each root that is gone at once. Ends with the exit code of the first check that failed.\n" +
    "--store looks at the vaults instead: whether they keep the promises that coldkeep stands on, seen by putting a few\n" +
    "small objects under a name of its own (_probe-…), which are removed again as far as this host may.",
  examples: [
    ["doctor", "all checks"],
    ["doctor --store", "what each vault of the configuration guarantees, and what not"],
  ],
  flags: {
    store: { kind: "boolean", optional: true, withNegated: false, brief: "See what the vaults themselves guarantee" },
  },
  load: async () => (await import("./doctor.ts")).run,
});
