import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { ColdkeepError } from "../../vault/names/index.ts";
import { keySetting, wrongKeyText } from "../config/index.ts";
import type { KeySetting, TokenSettings } from "../keys/index.ts";

/**
 * A key by its place; the key itself has no business on a command line, which every process can read.
 * @throws ColdkeepError `usage`, which does not repeat what was given: it may be a key.
 */
export function keyByPlace(given: string, field: string, token?: TokenSettings): KeySetting {
  // Only where the file is there: what would be told to be missing might be a key.
  const text = /^\.\.?\//.test(given) && existsSync(given) ? resolve(given) : given;
  const wrong = wrongKeyText(text);
  if (wrong === null && /^(\/|age1|age:|rsa:|credential:|hsm:|kms:)/.test(text)) {
    const setting = keySetting(text, { field, token });
    if (setting.kind !== "software" || text.startsWith("/")) return setting;
  }
  throw new ColdkeepError("usage", {
    what: "the place of a key is expected, and never the key itself",
    on: field,
    why:
      wrong ??
      "allowed are /path, ./path, age:/path, rsa:/path, credential:NAME, kms:KEY, and hsm:LABEL where the configuration has pkcs11",
  });
}
