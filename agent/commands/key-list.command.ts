import { defineCommand } from "./define.ts";

export const command = defineCommand<object>({
  brief: "List who can open the snapshots there are",
  usage: "[--node <name>]",
  about:
    "Reads the key files; needs no key, and proves nothing: whoever can write to the vault can write a slot. A label names\n" +
    "a key without telling anything of it. STRENGTH is in bits, against somebody who reads the vault.",
  examples: [["key list", "all nodes of the configuration"]],
  flags: {},
  load: async () => (await import("./key-list.ts")).run,
});
