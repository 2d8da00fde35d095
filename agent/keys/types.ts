/** A software key's spelling: a text, `0x…`, or a file. */
export type KeyKind = "string" | "hex" | "file";

/** A software key as the configuration names it, read and checked. */
export interface KeySource {
  readonly kind: KeyKind;
  /** The secret: 16, 24 or 32 bytes. */
  readonly bytes: Uint8Array;
  /** Every bit of it is a machine's dice: it needs no stretching. */
  readonly generated?: boolean;
  /** Names the source without telling anything of the key: "string", "hex" or the file's path. */
  readonly label: string;
}

/** A key as it is written, sorted by kind and not yet read. */
export type KeySetting =
  | SoftwareSetting
  | AgeSetting
  | AgeFileSetting
  | RsaSetting
  | CredentialSetting
  | HsmSetting
  | KmsSetting;

interface Written {
  /** What the user calls the place it is written in: "encrypt_key", "keys.1", "--identity". */
  readonly field: string;
}

export interface SoftwareSetting extends Written {
  readonly kind: "software";
  /** The key itself, `0x…`, or the absolute path of a file: a secret in the first two cases. */
  readonly text: string;
  /** Empties a key file once it was read, as ChainMaker does. */
  readonly consume: boolean;
  /** ChainMaker's reading of `0x` before what is no hexadecimal: a text. Elsewhere it is refused as a mistake. */
  readonly looseHex: boolean;
}

/** A public age recipient: encrypts, and opens nothing. */
export interface AgeSetting extends Written {
  readonly kind: "age";
  /** `age1…` */
  readonly recipient: string;
}

/** A file of age identities, perhaps under a passphrase. */
export interface AgeFileSetting extends Written {
  readonly kind: "age-file";
  readonly path: string;
  readonly passphrase?: SecretText;
}

/** An RSA key in a PEM file: a public one, which opens nothing, or a private one, perhaps under a passphrase. */
export interface RsaSetting extends Written {
  readonly kind: "rsa";
  readonly path: string;
  readonly passphrase?: SecretText;
  /** OAEP's hash when wrapping; default sha256. */
  readonly hash?: "sha256" | "sha1";
}

/** Whatever systemd hands over in `$CREDENTIALS_DIRECTORY` under this name. */
export interface CredentialSetting extends Written {
  readonly kind: "credential";
  readonly name: string;
  readonly passphrase?: SecretText;
  readonly hash?: "sha256" | "sha1";
}

/** A password as it is written: `env:NAME`, `credential:NAME`, the absolute path of a file, or the password itself. */
export type SecretText = string;

/** A key in a PKCS#11 token, which it never leaves. */
export interface HsmSetting extends Written {
  readonly kind: "hsm";
  /** CKA_LABEL, or CKA_ID as text or in hexadecimal. */
  readonly key: string;
  readonly token: TokenSettings;
  /** OAEP's hash where it is an RSA key; default sha256. */
  readonly hash?: "sha256" | "sha1";
}

/** How a PKCS#11 token is reached. */
export interface TokenSettings {
  /** Absolute path of the vendor's library. */
  readonly library: string;
  /** The token's label or serial number. */
  readonly label: string;
  /** The user PIN, asked for where it is not given. */
  readonly password?: SecretText;
  /** Sessions at once, at most. */
  readonly sessions: number;
  /** The longest that one operation of the token may take, in milliseconds. */
  readonly timeoutMs: number;
  /** The vendor's own mechanism number for SM4-GCM with CK_GCM_PARAMS. */
  readonly sm4Gcm?: number;
}

/** A symmetric key in AWS KMS. */
export interface KmsSetting extends Written {
  readonly kind: "kms";
  /** Id, ARN, `alias/NAME` or the ARN of an alias. */
  readonly key: string;
  /** Default: the ARN's, else as the AWS SDK finds it. */
  readonly region?: string;
  /** Another place than AWS's own. */
  readonly endpoint?: string;
}
