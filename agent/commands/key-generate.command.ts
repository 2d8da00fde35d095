import { defineCommand } from "./define.ts";

export interface GenerateFlags {
  readonly sm4?: boolean;
  readonly aes256?: boolean;
  readonly age?: boolean;
  readonly hsm?: string;
  readonly to?: string;
  readonly stdout?: boolean;
}

const off = { kind: "boolean", optional: true, withNegated: false } as const;

export const command = defineCommand<GenerateFlags>({
  brief: "Make a key",
  usage: "--aes-256 | --sm4 | --age | --hsm <label>   [--to <path> | --stdout]",
  about:
    "Makes a random key in a new file of mode 0600, or inside the token of the configuration. It is printed only with\n" +
    "--stdout; of an age key the public half is always told. Keep a copy where the host and the vault are not.",
  examples: [
    ["key generate --aes-256 --to /etc/coldkeep/node.key", "for encryptor: aes"],
    ["key generate --age --to identity.txt", "on a machine of your own; the host gets the age1… line only"],
    ["key generate --hsm backup-key", "in the token that the configuration's pkcs11 names"],
  ],
  flags: {
    aes256: { ...off, brief: "256 random bits, for encryptor: aes" },
    sm4: { ...off, brief: "128 random bits, for encryptor: sm4" },
    age: { ...off, brief: "An age identity (X25519)" },
    hsm: {
      kind: "parsed",
      parse: String,
      optional: true,
      placeholder: "label",
      brief: "An AES-256 key in the token, that wraps and unwraps and never leaves it",
    },
    to: { kind: "parsed", parse: String, optional: true, placeholder: "path", brief: "The file to make" },
    stdout: { ...off, brief: "Print the key instead" },
  },
  load: async () => (await import("./key-generate.ts")).run,
});
