import { defineCommand } from "./define.ts";

export const command = defineCommand<object>({
  brief: "Check that everything is in place for backups",
  usage: "[--node <name>]",
  about:
    "Looks at Node, the kernel's features, the configuration, the key, the state directory, the vault, the node's folders\n" +
    "and its service, and says for each whether it is well and what to do where it is not. Changes nothing, but for a\n" +
    "probe of links beside each root that is gone at once. Ends with the exit code of the first check that failed.",
  examples: [["doctor", "all checks"]],
  flags: {},
  load: async () => (await import("./doctor.ts")).run,
});
