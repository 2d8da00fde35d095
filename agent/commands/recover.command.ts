import { defineCommand } from "./define.ts";

export const command = defineCommand<object>({
  brief: "Undo what a killed backup or restore left behind, the node first",
  usage: "[--node <name>]",
  about:
    "After a kill -9 or a power cut: starts a node that was stopped for a backup, removes its frozen files, and brings a\n" +
    "restore to its end, all roots as they were or all of them new. Does so for every node of the configuration, or for\n" +
    "the one that is named; where nothing was left behind, nothing changes. Needs no key, no vault and no network, and\n" +
    "reads of the configuration only its nodes. Where another run is active on a node it is left alone (exit code 10).\n" +
    "The next backup, or restore in place, does the same by itself, but keeps what a restore has staged; here that is\n" +
    "removed. To go on with the restore, run it again instead.",
  examples: [
    ["recover", "all nodes, for instance when the machine has started"],
    ["recover --node icon --json", "one node, for a script"],
  ],
  flags: {},
  load: async () => (await import("./recover-nodes.ts")).run,
});
