import type { FlagParametersForType } from "@stricli/core";
import { ColdkeepError } from "../../vault/names/index.ts";
import { keySetting, wrongKeyText } from "../config/index.ts";
import type { KeySetting, TokenSettings } from "../keys/index.ts";

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
      "One more key to open with: /path, age:/path, rsa:/path, hsm:LABEL, credential:NAME; may be given several times",
  },
};

/**
 * A key by its place; the key itself has no business on a command line, which every process can read.
 * @throws ColdkeepError `usage`, which does not repeat what was given: it may be a key.
 */
export function keyByPlace(text: string, field: string, token?: TokenSettings): KeySetting {
  const wrong = wrongKeyText(text);
  if (wrong === null && /^(\/|age:|rsa:|credential:|hsm:)/.test(text)) {
    const setting = keySetting(text, { field, token });
    if (setting.kind !== "software" || text.startsWith("/")) return setting;
  }
  throw new ColdkeepError("usage", {
    what: "the place of a key is expected, and never the key itself",
    on: field,
    why:
      wrong ??
      "allowed are /path, age:/path, rsa:/path, credential:NAME, and hsm:LABEL where the configuration has pkcs11",
  });
}
