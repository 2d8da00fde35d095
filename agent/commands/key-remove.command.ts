import { defineCommand } from "./define.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export const command = defineCommand<IdentityFlags, [key: string]>({
  brief: "Take a key away from the snapshots there are",
  usage: "<key> [--identity <key>] [--node <name>]",
  about:
    "Removes the key's slot from every key file, once another key at hand has opened the new file. The key opens no current\n" +
    "key file and no later snapshot after that. It may still have kept copies of old key files, or of snapshot keys;\n" +
    "old versions of key files in a vault that keeps versions go when their lock ends. Take it out of the configuration\n" +
    "first. `coldkeep backup --full` begins anew with keys that it never had. A key that has no slot anywhere is an error.",
  examples: [
    ["key remove age1…", "an age recipient"],
    ["key remove /etc/coldkeep/old.key --identity /etc/coldkeep/new.key", "a key file"],
    ["key remove 6a09e667f3bcc908", "a slot by its label, as `coldkeep key list` shows it"],
  ],
  flags: { ...IDENTITY_FLAG },
  positional: {
    kind: "tuple",
    parameters: [{ parse: String, placeholder: "key", brief: "The key as in `key add`, or the label of its slots" }],
  },
  load: async () => (await import("./key-remove.ts")).run,
});
