import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { showPath } from "../../posix/system-error.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { readPrivateFile, writePrivateFile } from "./private.ts";

const NAME = "card-signing.pem";
const MAX = 4096;

/** Ed25519 key pair (RFC 8032) that signs a node's cards; the public half is base64url of its 32 bytes. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly publicKey: string;
}

/** Makes the key where there is none; an existing one is kept, for cards signed by another key are strangers' cards. */
export function initSigningKey(folder: string): { readonly created: boolean } {
  const path = join(folder, NAME);
  if (readPrivateFile(path, MAX) !== null) {
    loadSigningKey(folder);
    return { created: false };
  }
  const { privateKey } = generateKeyPairSync("ed25519");
  writePrivateFile(path, Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" })));
  return { created: true };
}

/**
 * The node's key. Never made here: a new key in silence would turn this host into a stranger to its own vault.
 * @throws ColdkeepError `not-found` where there is none, `key` where the file holds something else, `permission`.
 */
export function loadSigningKey(folder: string): SigningKey {
  const path = join(folder, NAME);
  const pem = readPrivateFile(path, MAX);
  if (pem === null) {
    throw new ColdkeepError("not-found", {
      what: "this host has no card-signing key for the node",
      on: showPath(path),
      why: "`coldkeep init` makes it once; without it no card can be signed",
      todo: "run `coldkeep init`, or bring the state directory back if it was lost",
    });
  }
  const key = parse(pem);
  if (key?.asymmetricKeyType !== "ed25519") {
    throw new ColdkeepError("key", {
      what: "cannot use the card-signing key",
      on: showPath(path),
      why: "it is not an Ed25519 private key in PKCS #8 PEM form",
      todo: "bring the file back from a copy of the state directory",
    });
  }
  return { key, publicKey: publicKeyOf(key) };
}

/** base64url of the raw public key: the last 32 bytes of its SubjectPublicKeyInfo (RFC 8410 section 4). */
function publicKeyOf(key: KeyObject): string {
  return createPublicKey(key).export({ type: "spki", format: "der" }).subarray(-32).toString("base64url");
}

function parse(pem: Buffer): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}
