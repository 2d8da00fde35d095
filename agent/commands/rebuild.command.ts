import { defineCommand } from "./define.ts";

export const command = defineCommand<object>({
  brief: "Make a node's index anew from its snapshots",
  usage: "[--node <name>]",
  about:
    "The index, the head and backup_list are caches: this reads every card in the vault and writes them again, for\n" +
    "instance after a vault was copied or mended. Needs no key.",
  examples: [["rebuild", "the index of the only node"]],
  flags: {},
  load: async () => (await import("./rebuild.ts")).run,
});
