import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";
import { rsaKeyIdentity, rsaRecipient } from "../../vault/sealed/index.ts";
import type { LoadContext, LoadedKey } from "./loaded.ts";
import { passphraseOf } from "./passphrase.ts";
import { readSecretFile } from "./secret-file.ts";
import type { KeySetting, RsaSetting, SecretText } from "./types.ts";

const MAX_BYTES = 1 << 20;
/** Bits of a modulus. Less falls to a factoring of today; more is slow and no stronger than the cipher behind it. */
const MIN_BITS = 2048;
const MAX_BITS = 16_384;

/** An RSA key in a PEM file. A private one must be for its owner alone. @throws ColdkeepError `key`, `permission`. */
export async function loadRsa(setting: RsaSetting, context: LoadContext): Promise<LoadedKey> {
  const { path } = setting;
  let content = readSecretFile(path, { noun: "RSA key file", maxBytes: MAX_BYTES, open: true });
  if (isPrivate(content)) content = readSecretFile(path, { noun: "RSA private key file", maxBytes: MAX_BYTES });
  return await rsaKey(content, { ...setting, setting, label: `rsa:${path}` }, context);
}

/** Whether a file's content is a key or certificate in PEM. */
export function isPem(content: Buffer): boolean {
  return content.includes("-----BEGIN ") && !content.includes("AGE ENCRYPTED FILE");
}

export interface RsaContent {
  readonly setting: KeySetting;
  readonly label: string;
  readonly field: string;
  readonly passphrase?: SecretText;
  readonly hash?: "sha256" | "sha1";
}

/** The key in PEM, which is zeroed. */
export async function rsaKey(pem: Buffer, o: RsaContent, context: LoadContext): Promise<LoadedKey> {
  try {
    const privateKey = isPrivate(pem) ? await privateOf(pem, o, context) : null;
    const publicKey = publicOf(privateKey ?? pem, o.label);
    const oaepHash = o.hash ?? "sha256";
    const wraps = rsaRecipient(publicKey, oaepHash);
    const identity = privateKey === null ? null : { ...rsaKeyIdentity(privateKey, publicKey), label: o.label };
    return { setting: o.setting, label: o.label, oaepHash, toRecipient: () => wraps, identity };
  } finally {
    pem.fill(0);
  }
}

function isPrivate(pem: Buffer): boolean {
  return pem.includes("PRIVATE KEY-----");
}

async function privateOf(pem: Buffer, o: RsaContent, context: LoadContext): Promise<KeyObject> {
  const locked = pem.includes("ENCRYPTED");
  const passphrase = locked ? await passphraseOf(o, context) : undefined;
  try {
    return createPrivateKey({ key: pem, format: "pem", ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    const why = locked
      ? "the passphrase is wrong, or the file is damaged"
      : `OpenSSL says ${systemCode(error) ?? "no"}`;
    throw unusable(o.label, why);
  }
}

function publicOf(from: KeyObject | Buffer, label: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(from as Buffer);
  } catch (error) {
    throw unusable(label, `OpenSSL says ${systemCode(error) ?? "no"}`);
  }
  if (key.asymmetricKeyType !== "rsa")
    throw unusable(label, `it is a key of type ${key.asymmetricKeyType}, allowed is rsa`);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < MIN_BITS || bits > MAX_BITS)
    throw unusable(label, `it has ${bits} bits, allowed are ${MIN_BITS} to ${MAX_BITS}`);
  return key;
}

function unusable(label: string, why: string): ColdkeepError {
  return new ColdkeepError("key", {
    what: "cannot use the RSA key",
    on: label,
    why,
    todo: "give a PEM file with an RSA public key, a certificate or a private key: openssl rsa -pubout",
  });
}
