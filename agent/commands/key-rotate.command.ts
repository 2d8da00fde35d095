import { defineCommand } from "./define.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export interface RotateFlags extends IdentityFlags {
  readonly old?: readonly string[];
}

export const command = defineCommand<RotateFlags>({
  brief: "Change all snapshots from old keys to those of the configuration",
  usage: "--old <key> [--identity <key>] [--node <name>]",
  about:
    "Write the new key into the configuration, then run this with the old one: every key file gets slots of the\n" +
    "configuration's keys and loses those of the old ones, after the new file has been opened. Other slots stay as they\n" +
    "are. No data is read or written. Run again after an interruption it does what is left. It is an error where the old\n" +
    "key has no slot anywhere and keys beside the configuration's have: it may be the wrong one.",
  examples: [["key rotate --old /etc/coldkeep/2025.key", "after encrypt_key was set to another file"]],
  flags: {
    old: {
      kind: "parsed",
      parse: String,
      optional: true,
      variadic: true,
      placeholder: "key",
      brief: "A key that is to open nothing any more; may be given several times",
    },
    ...IDENTITY_FLAG,
  },
  load: async () => (await import("./key-rotate.ts")).run,
});
