import { defineCommand } from "./define.ts";

export const command = defineCommand<object>({
  brief: "Read the configuration and tell every mistake in it",
  usage: "[--config <path>]",
  about: "Each mistake with its line, its key, what was found and what is allowed. Touches neither node nor vault.",
  examples: [["config check --config ./config.yaml", "a file before it is put in place"]],
  flags: {},
  load: async () => (await import("./config-check.ts")).run,
});
