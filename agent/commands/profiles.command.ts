import { defineCommand } from "./define.ts";

export const command = defineCommand<object, [name: string | undefined]>({
  brief: "Say what is known of the systems that can be backed up",
  usage: "[<name>]",
  about:
    "Which files of a system are captured and how, what is left out and why, what makes a node itself, and what to look at\n" +
    "after a restore. docs/profiles has the same, a page each.",
  examples: [
    ["profiles", "all there are"],
    ["profiles leveldb", "one of them, with its rules"],
  ],
  flags: {},
  positional: {
    kind: "tuple",
    parameters: [{ parse: String, optional: true, placeholder: "name", brief: "Name of a profile" }],
  },
  load: async () => (await import("./profiles.ts")).run,
});
