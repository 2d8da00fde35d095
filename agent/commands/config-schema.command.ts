import { defineCommand } from "./define.ts";

export const command = defineCommand<object>({
  brief: "Print the JSON Schema of the configuration",
  usage: "",
  about: "Made from the very source that checks the file; editors complete and check with it.",
  examples: [["config schema > coldkeep.schema.json", "for an editor's YAML mode"]],
  flags: {},
  load: async () => (await import("./config-schema.ts")).run,
});
