import * as z from "zod";
import { wrongKeyText } from "./key-text.ts";
import { absolute, command, duration, object, oneOf } from "./schema-parts.ts";

const KEY_WORDS =
  "a text: the key itself in quotes, 0x… in hexadecimal in quotes, the absolute path of a file that holds it, age1…, age:/path, rsa:/path, hsm:LABEL, kms:KEY or credential:NAME";

const keyText = z
  .string({ error: KEY_WORDS })
  .min(1, { error: "a key, or the absolute path of a file that holds it" })
  .refine((text) => wrongKeyText(text) === null, { error: ({ input }) => wrongKeyText(String(input)) ?? KEY_WORDS })
  .meta({
    description:
      "16, 24 or 32 bytes: the text itself, 0x… in hexadecimal, or the path of a file that holds it; or age1… (a recipient), age:/path (a file of identities), rsa:/path (a PEM file), hsm:LABEL (a key in the token of pkcs11), kms:KEY (an id, ARN or alias in AWS KMS), credential:NAME (from systemd)",
  });

const PASSWORD = "a text: env:NAME, credential:NAME, the absolute path of a file, or the passphrase itself";

const PIN = "a text: env:NAME, credential:NAME, the absolute path of a file, or the PIN itself, in quotes";
const COUNT = "a whole number from 1 to 1000";

/** ChainMaker's `node.pkcs11`, and two more. */
const pkcs11 = object(
  {
    enabled: z
      .boolean({ error: "true or false" })
      .default(true)
      .meta({ description: "true: encrypt_key is the label or id of a key in the token" }),
    type: z.literal("pkcs11", { error: "pkcs11" }).optional().meta({ description: "as ChainMaker writes it" }),
    library: absolute("the vendor's library, a .so file"),
    label: z
      .string({ error: "the token's label or serial number, in quotes" })
      .min(1, { error: "the token's label or serial number" })
      .meta({ description: "the token's label or serial number" }),
    password: z
      .string({ error: PIN })
      .min(1, { error: PIN })
      .optional()
      .meta({ description: "where the user PIN is; asked for on a terminal where it is not given" }),
    session_cache_size: z
      .int({ error: COUNT })
      .min(1, { error: COUNT })
      .max(1000, { error: COUNT })
      .default(10)
      .meta({ description: "sessions with the token at once, at most" }),
    hash: z
      .string({ error: "a text" })
      .optional()
      .meta({ description: "as ChainMaker writes it, for its signatures; wrapping needs none" }),
    timeout: duration("10s", "how long one operation of the token may take"),
    sm4_gcm_mechanism: z
      .int({ error: "the number of a mechanism" })
      .min(0x80000000, { error: "a vendor's mechanism, from 0x80000000 up" })
      .max(0xffffffff, { error: "a mechanism's number has 32 bits" })
      .optional()
      .meta({
        description: "the vendor's own mechanism for SM4-GCM, for SM4 keys in the token; never tried with a real one",
      }),
  },
  "the PKCS#11 token, as ChainMaker's node.pkcs11 has it",
);

export type WrittenToken = z.output<typeof pkcs11>;

const REGION = "a Region, such as eu-west-1";

/** A key with what there is to say about it. */
const keyMapping = object(
  {
    key: keyText,
    passphrase: z.string({ error: PASSWORD }).min(1, { error: PASSWORD }).optional().meta({
      description: "where the passphrase of the key's file is; asked for on a terminal where it is not given",
    }),
    region: z
      .string({ error: REGION })
      .regex(/^[a-z0-9-]+$/, { error: REGION })
      .optional()
      .meta({ description: "of a kms: key; default: the ARN's, else as the AWS SDK finds it" }),
    endpoint: z
      .url({ protocol: /^https?$/, error: "a URL beginning with http:// or https://" })
      .optional()
      .meta({ description: "of a kms: key, where it is not AWS's own" }),
    pkcs11: pkcs11.optional(),
    hash: oneOf(["sha256", "sha1"], "OAEP's hash; sha1 only for an HSM that can do no other").optional(),
  },
  "a key and its settings",
);

const LIST_WORDS = "a list of keys, or a mapping with chainmaker: the path of a chainmaker.yml";

const keyList = z
  .array(z.union([keyText, keyMapping], { error: `${KEY_WORDS}; or a mapping with key` }), { error: LIST_WORDS })
  .min(1, { error: "at least one key" })
  .max(32, { error: "at most 32 keys" });

/** The part of the configuration that says which keys there are. */
export const KEY_FIELDS = {
  encryptor: oneOf(["aes", "sm4"], "aes (the default): AES-256-GCM; sm4: SM4-GCM with SM3").optional(),
  encrypt_key: keyText.optional(),
  pkcs11: pkcs11.optional(),
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
  strict_sm: z
    .boolean({ error: "true or false" })
    .default(false)
    .meta({ description: "with sm4: refuse keys that are wrapped by anything but SM4 and SM3" }),
};
