import { defineCommand } from "./define.ts";

export const command = defineCommand<object>({
  brief: "Tell how OVN's databases stand, on each host",
  usage: "[--node <name>]",
  about:
    "Asks every host of the node (`ovn: members` or `ovn: kubernetes` in the configuration, else this host) for both\n" +
    "databases: who leads, where each log stands, what lies in the files, and what ovn-northd's log says of a damaged\n" +
    "record. Changes nothing. The exit code is 7 where a majority is lost or nobody answers, 9 where a member is bad.",
  examples: [["ovn status", "before `coldkeep ovn kick` or `coldkeep ovn recover`"]],
  flags: {},
  load: async () => (await import("./ovn-status.ts")).run,
});
