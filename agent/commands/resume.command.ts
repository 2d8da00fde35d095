import { defineCommand } from "./define.ts";

export const command = defineCommand<object>({
  brief: "End a pause",
  usage: "[--node <name>]",
  about: "Backups are made again: of every node of the configuration, or of the one that is named.",
  examples: [["resume", "all nodes"]],
  flags: {},
  load: async () => (await import("./pause.ts")).resume,
});
