import type { FlagParametersForType } from "@stricli/core";

export interface IdentityFlags {
  readonly identity?: readonly string[];
}

/** The flag of every command that opens snapshots. */
export const IDENTITY_FLAG: FlagParametersForType<IdentityFlags> = {
  identity: {
    kind: "parsed",
    parse: String,
    optional: true,
    variadic: true,
    placeholder: "key",
    brief:
      "One more key to open with: /path, age:/path, rsa:/path, hsm:LABEL, kms:KEY, credential:NAME; may be given several times",
  },
};
