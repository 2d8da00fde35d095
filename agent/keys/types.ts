/** A software key's spelling: a text, `0x…`, or a file. */
export type KeyKind = "string" | "hex" | "file";

/** A software key as the configuration names it, read and checked. */
export interface KeySource {
  readonly kind: KeyKind;
  /** The secret: 16, 24 or 32 bytes. */
  readonly bytes: Uint8Array;
  /** Names the source without telling anything of the key: "string", "hex" or the file's path. */
  readonly label: string;
}

/** A key as it is written, sorted by kind and not yet read. */
export type KeySetting = SoftwareSetting;

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
