import { defineCommand } from "./define.ts";
import { IDENTITY_FLAG, type IdentityFlags } from "./identity-flag.ts";

export interface KeyTestFlags extends IdentityFlags {
  readonly answer?: string;
}

export const command = defineCommand<KeyTestFlags>({
  brief: "Prove that each key can open what is encrypted for it",
  usage: "[--identity <key>] [--answer <letters>] [--node <name>]",
  about:
    "Tries every key at hand on the newest snapshot. For keys whose private half is elsewhere it prints a challenge: open\n" +
    "that with age or openssl where the private half is, and give the letters that come out to --answer, here. Until then\n" +
    "each backup and `coldkeep doctor` say that nobody has proven the key.",
  examples: [
    ["key test", "what can be proven here, and the challenges for the rest"],
    ["key test --answer 5d41402abc4b2a76b9719d911017c592", "what the challenge holds"],
  ],
  flags: {
    answer: {
      kind: "parsed",
      parse: String,
      optional: true,
      placeholder: "letters",
      brief: "The answer to a challenge",
    },
    ...IDENTITY_FLAG,
  },
  load: async () => (await import("./key-test.ts")).run,
});
