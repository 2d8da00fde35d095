import { defineCommand } from "./define.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export const command = defineCommand<IdentityFlags, readonly string[]>({
  brief: "Let more keys open the snapshots there are",
  usage: "[<key>…] [--identity <key>] [--node <name>]",
  about:
    "Adds a slot for each key named, or for all of the configuration where none is, to every snapshot that has none yet:\n" +
    "of one node with --node, of all nodes else. Rewrites key files only; data stays as it is. Run again after an\n" +
    "interruption it does what is left. New snapshots are encrypted for the keys of the configuration: put it there, too.",
  examples: [
    ["key add", "what the configuration has and old snapshots have not"],
    ["key add age1… --identity age:/media/usb/identity.txt", "on a host that cannot open its own snapshots"],
  ],
  flags: { ...IDENTITY_FLAG },
  positional: {
    kind: "array",
    parameter: {
      parse: String,
      placeholder: "key",
      brief: "age1…, /path, age:/path, rsa:/path, hsm:LABEL, kms:KEY or credential:NAME",
    },
  },
  load: async () => (await import("./key-add.ts")).run,
});
