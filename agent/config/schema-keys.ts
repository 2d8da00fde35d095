import * as z from "zod";
import { absolute, command, object } from "./schema-parts.ts";

const KEY_WORDS =
  "a text: the key itself in quotes, 0x… in hexadecimal in quotes, or the absolute path of a file that holds it";

const keyText = z
  .string({ error: KEY_WORDS })
  .min(1, { error: "a key, or the absolute path of a file that holds it" })
  .meta({
    description: "16, 24 or 32 bytes: the text itself, 0x… in hexadecimal, or the path of a file that holds it",
  });

const LIST_WORDS = "a list of keys, or a mapping with chainmaker: the path of a chainmaker.yml";

const keyList = z.array(keyText, { error: LIST_WORDS }).min(1, { error: "at least one key" }).max(32, {
  error: "at most 32 keys",
});

/** The part of the configuration that says which keys there are. */
export const KEY_FIELDS = {
  encryptor: z
    .enum(["aes", "sm4"], { error: "aes or sm4" })
    .optional()
    .meta({ description: "aes (the default): AES-256-GCM; sm4: SM4-GCM with SM3" }),
  encrypt_key: keyText.optional(),
  keys: z
    .union([keyList, object({ chainmaker: absolute("reads storage and node.pkcs11 of this chainmaker.yml") }, "")], {
      error: LIST_WORDS,
    })
    .optional()
    .meta({
      description: "in place of encrypt_key: several keys, each of which restores; or those of a chainmaker.yml",
    }),
  identities: keyList.optional().meta({ description: "more keys to restore with; nothing is encrypted for them" }),
  consume_key_file: z
    .boolean({ error: "true or false" })
    .default(false)
    .meta({ description: "empty the key file once it was read, as ChainMaker does" }),
  refill_key_file: command("puts an emptied key file back; run before each backup").optional(),
};
